//! What identifies a metric and what one published value is.

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::document::{Document, some};

/// One name and value that tell a metric from others of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Dimension {
    /// E.g. `InstanceId`.
    pub name: String,
    /// E.g. `i-0a1b2c3d4e5f60718`.
    pub value: String,
}

impl Dimension {
    /// A dimension.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// A metric: its namespace, its name and its dimensions (in the order of their names).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Metric {
    /// E.g. `AWS/EC2`.
    pub namespace: String,
    /// E.g. `CPUUtilization`.
    pub name: String,
    /// In the order of their names.
    pub dimensions: Vec<Dimension>,
}

impl Metric {
    /// A metric; the order in which the dimensions are given does not matter.
    ///
    /// # Errors
    /// Empty names, more than 30 dimensions, or one given twice.
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        mut dimensions: Vec<Dimension>,
    ) -> Result<Self, ApiError> {
        let (namespace, name) = (namespace.into(), name.into());
        bounded("Namespace", &namespace)?;
        bounded("MetricName", &name)?;
        if dimensions.len() > 30 {
            return Err(invalid(
                "The collection Dimensions must not have a size greater than 30.",
            ));
        }
        for dimension in &dimensions {
            bounded("Dimensions.Name", &dimension.name)?;
            if dimension.value.is_empty() || dimension.value.len() > 1024 {
                return Err(invalid(
                    "The parameter Dimensions.Value must be between 1 and 1024 characters long.",
                ));
            }
        }
        dimensions.sort();
        if dimensions
            .windows(2)
            .any(|pair| pair[0].name == pair[1].name)
        {
            return Err(invalid("No dimension name may be given twice."));
        }
        Ok(Self {
            namespace,
            name,
            dimensions,
        })
    }

    /// The value of a dimension.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions
            .iter()
            .find(|dimension| dimension.name == name)
            .map(|dimension| dimension.value.as_str())
    }

    /// As the API's `Metric` structure.
    #[must_use]
    pub fn document(&self) -> Document {
        Document::fields([
            ("Namespace", some(&self.namespace)),
            ("MetricName", some(&self.name)),
            ("Dimensions", Some(dimensions(&self.dimensions))),
        ])
    }
}

/// Dimensions as the API lists them.
#[must_use]
pub fn dimensions(all: &[Dimension]) -> Document {
    Document::list(all.iter().map(|dimension| {
        Document::fields([
            ("Name", some(&dimension.name)),
            ("Value", some(&dimension.value)),
        ])
    }))
}

fn bounded(parameter: &str, value: &str) -> Result<(), ApiError> {
    if value.is_empty() || value.len() > 255 {
        return Err(invalid(format!(
            "The parameter {parameter} must be between 1 and 255 characters long."
        )));
    }
    Ok(())
}

/// A refusal of a parameter's value.
pub fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

/// The units that the API knows (`StandardUnit`).
const UNITS: &[&str] = &[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// Checks a unit.
///
/// # Errors
/// One that the API does not know.
pub fn unit(unit: &str) -> Result<(), ApiError> {
    if UNITS.contains(&unit) {
        return Ok(());
    }
    Err(invalid(format!(
        "The parameter Unit must be a value in the set [ {} ].",
        UNITS.join(", ")
    )))
}
