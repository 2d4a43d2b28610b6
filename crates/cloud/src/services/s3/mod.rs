//! S3.

mod action;
mod place;

pub use action::action;
pub use place::bucket_of_host;

use crate::api::{ApiError, ApiRequest, ApiResponse};

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(
    _cloud: &mut crate::state::State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    Err(ApiError::not_modelled(format_args!(
        "{}:{}",
        request.service, request.action
    )))
}
