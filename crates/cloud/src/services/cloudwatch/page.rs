//! Pages of a list: a token says where the next one begins.

use super::metric::invalid;
use crate::api::ApiError;

/// The items from `token` on, at most `size`, and the token of the next page.
///
/// # Errors
/// A token that no answer gave.
pub fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let start = match token {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .ok()
            .filter(|start| *start <= items.len())
            .ok_or_else(|| invalid("The parameter NextToken is invalid."))?,
    };
    let next = start.saturating_add(size);
    let token = (next < items.len()).then(|| next.to_string());
    Ok((items.into_iter().skip(start).take(size).collect(), token))
}
