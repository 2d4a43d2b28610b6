//! The parameters of a request in EC2's query protocol, as a tree from which an action takes what it models.
//!
//! `BlockDeviceMapping.1.Ebs.VolumeSize=8` is the value `8` at the leaf `VolumeSize` of `Ebs` of the first
//! `BlockDeviceMapping`. What an action has not taken when it calls [`Params::finish`] is refused by name:
//! so every action's list of modelled parameters is the list of what it reads.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::api::ApiError;

/// A tree of parameters, or a part of one.
#[derive(Debug, Clone, Default)]
pub struct Params {
    action: String,
    path: String,
    value: Option<String>,
    parts: BTreeMap<String, Params>,
}

impl Params {
    /// The tree of `flat` for `action`.
    pub fn new(action: &str, flat: &BTreeMap<String, String>) -> Self {
        let mut root = Self {
            action: action.to_owned(),
            ..Self::default()
        };
        for (name, value) in flat {
            if name == "Action" || name == "Version" {
                continue;
            }
            let mut at = &mut root;
            for step in name.split('.') {
                let path = if at.path.is_empty() {
                    step.to_owned()
                } else {
                    format!("{}.{step}", at.path)
                };
                at = at.parts.entry(step.to_owned()).or_insert_with(|| Self {
                    action: action.to_owned(),
                    path,
                    ..Self::default()
                });
            }
            at.value = Some(value.clone());
        }
        root
    }

    /// The action that was asked for.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Takes the text at `name`.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(mut part) = self.parts.remove(name) else {
            return Ok(None);
        };
        let value = part.value.take();
        part.finish()?;
        Ok(value)
    }

    /// Takes the text at `name`, which must be there and not empty.
    pub fn need(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.missing(name))
    }

    /// The refusal because `name` is not there.
    pub fn missing(&self, name: &str) -> ApiError {
        ApiError::new(
            "MissingParameter",
            format!(
                "The request must contain the parameter {}",
                self.place(name)
            ),
        )
    }

    /// Takes the number at `name`.
    pub fn number<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            ApiError::new(
                "InvalidParameterValue",
                format!("Invalid integer value {text} for {}", self.place(name)),
            )
        })
    }

    /// Takes the truth value at `name`.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true" | "True" | "1") => Ok(Some(true)),
            Some("false" | "False" | "0") => Ok(Some(false)),
            Some(other) => Err(ApiError::new(
                "InvalidParameterValue",
                format!("Invalid boolean value {other} for {}", self.place(name)),
            )),
        }
    }

    /// Takes the text at `name`, which is one of `allowed`.
    pub fn choice(&mut self, name: &str, allowed: &[&str]) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        if allowed.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        Err(ApiError::new(
            "InvalidParameterValue",
            format!(
                "Value ({text}) for parameter {} is invalid. Valid values: {}.",
                self.place(name),
                allowed.join(", ")
            ),
        ))
    }

    /// Takes the list of texts at `name` (`name.1`, `name.2`, …).
    pub fn list(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        self.each(name, |entry| {
            let value = entry.value.take();
            value.ok_or_else(|| entry.missing(""))
        })
    }

    /// Takes the list of structures at `name`, each read by `read` and wholly.
    pub fn each<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        let Some(part) = self.parts.remove(name) else {
            return Ok(Vec::new());
        };
        if part.value.is_some() && part.parts.is_empty() {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("The parameter {} is a list: {}.1, …", part.path, part.path),
            ));
        }
        let mut entries = Vec::new();
        for (index, entry) in part.parts {
            let Ok(number) = index.parse::<u32>() else {
                return Err(ApiError::not_modelled(format_args!(
                    "parameter {} of ec2:{}",
                    entry.path, entry.action
                )));
            };
            entries.push((number, entry));
        }
        entries.sort_by_key(|(number, _)| *number);
        entries
            .into_iter()
            .map(|(_, mut entry)| {
                let made = read(&mut entry)?;
                entry.finish()?;
                Ok(made)
            })
            .collect()
    }

    /// Takes the structure at `name`, read by `read` and wholly.
    pub fn part<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        let Some(mut part) = self.parts.remove(name) else {
            return Ok(None);
        };
        let made = read(&mut part)?;
        part.finish()?;
        Ok(Some(made))
    }

    /// Refuses what has not been taken.
    pub fn finish(&self) -> Result<(), ApiError> {
        match self.first_left() {
            Some(path) => Err(ApiError::not_modelled(format_args!(
                "parameter {path} of ec2:{}",
                self.action
            ))),
            None => Ok(()),
        }
    }

    fn first_left(&self) -> Option<&str> {
        if self.value.is_some() {
            return Some(&self.path);
        }
        self.parts.values().find_map(Self::first_left)
    }

    fn place(&self, name: &str) -> String {
        match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (_, true) => self.path.clone(),
            _ => format!("{}.{name}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        let flat = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Params::new("RunInstances", &flat)
    }

    #[test]
    fn lists_are_in_numeric_order() {
        let mut tree = params(&[("Id.10", "c"), ("Id.2", "b"), ("Id.1", "a")]);
        assert_eq!(tree.list("Id").unwrap(), ["a", "b", "c"]);
        tree.finish().unwrap();
    }

    #[test]
    fn what_is_not_taken_is_refused_by_name() {
        let mut tree = params(&[("Device.1.Name", "x"), ("Device.1.Ebs.Odd", "1")]);
        let error = tree
            .each("Device", |device| device.text("Name"))
            .unwrap_err();
        assert_eq!(
            error.message,
            "not modelled by the embedded cloud: parameter Device.1.Ebs.Odd of ec2:RunInstances"
        );
    }

    #[test]
    fn numbers_and_flags_say_what_is_wrong() {
        let mut tree = params(&[("N", "ten"), ("F", "yes")]);
        assert_eq!(
            tree.number::<u32>("N").unwrap_err().message,
            "Invalid integer value ten for N"
        );
        assert_eq!(
            tree.flag("F").unwrap_err().message,
            "Invalid boolean value yes for F"
        );
        assert_eq!(tree.need("Gone").unwrap_err().code, "MissingParameter");
    }
}
