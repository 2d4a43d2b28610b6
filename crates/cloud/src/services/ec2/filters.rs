//! Filters that filter, and pages.
//!
//! Names are AND-ed, the values of a name OR-ed, `*` and `?` are wildcards and `\` escapes them
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>). Which names there
//! are is one table a kind of resource ([`Facet`]); a name that is not in it is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::params::Params;
use super::region::Region;
use crate::api::ApiError;

/// A filter's name and the values that a resource has under it.
pub type Facet<T> = (&'static str, fn(&Region, &T) -> Vec<String>);

/// The filters of a request.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    action: String,
    wanted: Vec<(String, Vec<String>)>,
}

impl Filters {
    /// Takes `Filter.N` from the parameters.
    pub fn read(params: &mut Params) -> Result<Self, ApiError> {
        let action = params.action().to_owned();
        let wanted = params.each("Filter", |filter| {
            Ok((filter.need("Name")?, filter.list("Value")?))
        })?;
        Ok(Self { action, wanted })
    }

    /// Those of `items` that pass; `id` names the resource whose tags count.
    pub fn select<'a, T>(
        &self,
        region: &Region,
        facets: &[Facet<T>],
        id: impl Fn(&T) -> &str,
        items: impl IntoIterator<Item = &'a T>,
    ) -> Result<Vec<&'a T>, ApiError> {
        for (name, _) in &self.wanted {
            let tag = name == "tag-key" || name.starts_with("tag:");
            if !tag && !facets.iter().any(|(facet, _)| facet == name) {
                return Err(self.unknown(name));
            }
        }
        Ok(items
            .into_iter()
            .filter(|item| {
                self.wanted.iter().all(|(name, wanted)| {
                    let has = values(region, facets, name, id(item), item);
                    wanted
                        .iter()
                        .any(|pattern| has.iter().any(|value| matches(pattern, value)))
                })
            })
            .collect())
    }

    /// The refusal of a filter that is not modelled.
    pub fn unknown(&self, name: &str) -> ApiError {
        ApiError::not_modelled(format_args!("filter '{name}' of ec2:{}", self.action))
    }
}

fn values<T>(region: &Region, facets: &[Facet<T>], name: &str, id: &str, item: &T) -> Vec<String> {
    let tags = region.tags.get(id);
    if name == "tag-key" {
        return tags.map_or_else(Vec::new, |tags| tags.keys().cloned().collect());
    }
    if let Some(key) = name.strip_prefix("tag:") {
        return tags
            .and_then(|tags| tags.get(key))
            .cloned()
            .into_iter()
            .collect();
    }
    facets
        .iter()
        .filter(|(facet, _)| *facet == name)
        .flat_map(|(_, read)| read(region, item))
        .collect()
}

/// Whether `pattern`, with `*`, `?` and `\`, matches the whole of `value`.
pub fn matches(pattern: &str, value: &str) -> bool {
    enum Part {
        Is(char),
        One,
        Many,
    }
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        parts.push(match char {
            '*' => Part::Many,
            '?' => Part::One,
            '\\' => Part::Is(chars.next().unwrap_or('\\')),
            other => Part::Is(other),
        });
    }
    // reached[n]: the first n parts match what was read so far.
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    let through = |reached: &mut Vec<bool>| {
        for (index, part) in parts.iter().enumerate() {
            if matches!(part, Part::Many) && reached[index] {
                reached[index + 1] = true;
            }
        }
    };
    through(&mut reached);
    for char in value.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Is(wanted) if reached[index] && *wanted == char => next[index + 1] = true,
                Part::One if reached[index] => next[index + 1] = true,
                Part::Many if reached[index + 1] => next[index + 1] = true,
                _ => {}
            }
        }
        through(&mut next);
        reached = next;
    }
    reached[parts.len()]
}

/// A page that was asked for.
#[derive(Debug, Clone, Default)]
pub struct Page {
    size: Option<usize>,
    after: Option<String>,
}

impl Page {
    /// Takes `MaxResults` (within `least..=most`) and `NextToken` from the parameters.
    pub fn read(params: &mut Params, least: usize, most: usize) -> Result<Self, ApiError> {
        let size = params.number::<usize>("MaxResults")?;
        if let Some(size) = size.filter(|size| !(least..=most).contains(size)) {
            let bound = if size < least {
                format!("Expecting a value greater than or equal to {least}.")
            } else {
                format!("Expecting a value less than or equal to {most}.")
            };
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("Value ( {size} ) for parameter maxResults is invalid. {bound}"),
            ));
        }
        let after = match params.text("NextToken")?.filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => Some(decode(&token).ok_or_else(|| {
                ApiError::new(
                    "InvalidNextToken",
                    format!("The token '{token}' is invalid"),
                )
            })?),
        };
        Ok(Self { size, after })
    }

    /// Refuses a page of what is asked for by id.
    pub fn not_with(&self, what: &str, ids: &[String]) -> Result<(), ApiError> {
        if self.size.is_some() && !ids.is_empty() {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                format!("The parameter {what} cannot be used with the parameter maxResults"),
            ));
        }
        Ok(())
    }

    /// This page of `items`, which are in order of `key`, and the token of the next.
    pub fn cut<T>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        if let Some(after) = &self.after {
            items.retain(|item| key(item) > *after);
        }
        let mut next = None;
        if let Some(size) = self.size
            && items.len() > size
        {
            items.truncate(size);
            next = items.last().map(|item| encode(&key(item)));
        }
        (items, next)
    }
}

fn encode(key: &str) -> String {
    STANDARD.encode(format!("after:{key}"))
}

fn decode(token: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    text.strip_prefix("after:").map(str::to_owned)
}

/// One value of a facet.
#[allow(clippy::needless_pass_by_value)] // the tables of facets read better without references
pub fn one(value: impl ToString) -> Vec<String> {
    vec![value.to_string()]
}

/// The value of a facet that may have none.
pub fn opt(value: Option<impl ToString>) -> Vec<String> {
    value.into_iter().map(|value| value.to_string()).collect()
}

/// The values of a facet that has many.
pub fn many<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, value, wanted) in [
            ("al2023-ami-*-x86_64", "al2023-ami-2023.9-x86_64", true),
            ("al2023-ami-*-x86_64", "al2023-ami-2023.9-arm64", false),
            ("t3.?ano", "t3.nano", true),
            ("t3.?ano", "t3.ano", false),
            ("*", "", true),
            ("a*b*c", "a1b2b3c", true),
            (r"what\?", "what?", true),
            (r"what\?", "whats", false),
            (r"\*", "x", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, value), wanted, "{pattern} {value}");
        }
    }

    #[test]
    fn pages_go_on_where_they_ended() {
        let items: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let mut token = None;
        let mut seen = Vec::new();
        loop {
            let page = Page {
                size: Some(2),
                after: token.as_deref().and_then(decode),
            };
            let (cut, next) = page.cut(items.clone(), Clone::clone);
            assert!(cut.len() <= 2);
            seen.extend(cut);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, items);
    }
}
