//! By how much a step or simple policy changes a capacity.

use serde::{Deserialize, Serialize};

use super::super::validation;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};

/// How a number changes a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjustment {
    /// It is added.
    ChangeInCapacity,
    /// It is the capacity.
    ExactCapacity,
    /// It is a percentage that is added, at least so many instances.
    PercentChangeInCapacity(u32),
}

impl Adjustment {
    /// Reads an adjustment type.
    ///
    /// # Errors
    /// There is none of this name, or a magnitude where there are no percents.
    pub fn named(name: &str, magnitude: Option<u32>) -> Result<Self, ApiError> {
        match (name, magnitude) {
            ("ChangeInCapacity", None) => Ok(Self::ChangeInCapacity),
            ("ExactCapacity", None) => Ok(Self::ExactCapacity),
            ("PercentChangeInCapacity", magnitude) => {
                Ok(Self::PercentChangeInCapacity(magnitude.unwrap_or(0)))
            }
            ("ChangeInCapacity" | "ExactCapacity", Some(_)) => Err(validation(
                "MinAdjustmentMagnitude is only supported with PercentChangeInCapacity",
            )),
            (other, _) => Err(validation(format_args!(
                "AdjustmentType '{other}' is not supported. Valid types: ChangeInCapacity, ExactCapacity, PercentChangeInCapacity"
            ))),
        }
    }

    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChangeInCapacity => "ChangeInCapacity",
            Self::ExactCapacity => "ExactCapacity",
            Self::PercentChangeInCapacity(_) => "PercentChangeInCapacity",
        }
    }

    /// The capacity after a change by `by`.
    ///
    /// Percentages beyond one are rounded towards zero, those within to one instance.
    #[must_use]
    pub fn apply(self, capacity: u32, by: i32) -> u32 {
        let by = i64::from(by);
        let change = match self {
            Self::ChangeInCapacity => by,
            Self::ExactCapacity => by - i64::from(capacity),
            Self::PercentChangeInCapacity(magnitude) => {
                let exact = i64::from(capacity) * by;
                let whole = exact / 100;
                let rounded = if whole == 0 { exact.signum() } else { whole };
                if rounded.unsigned_abs() < u64::from(magnitude) {
                    by.signum() * i64::from(magnitude)
                } else {
                    rounded
                }
            }
        };
        u32::try_from((i64::from(capacity) + change).max(0)).unwrap_or(u32::MAX)
    }
}

/// A step: from where to where beyond the threshold, and by how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Step {
    metric_interval_lower_bound: Option<f64>,
    metric_interval_upper_bound: Option<f64>,
    scaling_adjustment: i32,
}

impl Step {
    /// Whether a metric that is `beyond` its threshold is in this step: bounds above the
    /// threshold include the lower one, those below the upper one.
    #[must_use]
    pub fn covers(&self, beyond: f64) -> bool {
        let lower = self
            .metric_interval_lower_bound
            .unwrap_or(f64::NEG_INFINITY);
        let upper = self.metric_interval_upper_bound.unwrap_or(f64::INFINITY);
        if upper <= 0.0 {
            lower < beyond && beyond <= upper
        } else {
            lower <= beyond && beyond < upper
        }
    }

    /// By how much.
    #[must_use]
    pub fn by(&self) -> i32 {
        self.scaling_adjustment
    }

    /// As the API shows it.
    #[must_use]
    pub fn document(&self) -> Document {
        Document::fields([
            (
                "MetricIntervalLowerBound",
                maybe(self.metric_interval_lower_bound.as_ref()),
            ),
            (
                "MetricIntervalUpperBound",
                maybe(self.metric_interval_upper_bound.as_ref()),
            ),
            (
                "ScalingAdjustment",
                some(i64::from(self.scaling_adjustment)),
            ),
        ])
    }
}

/// Checks that steps lie side by side.
///
/// # Errors
/// None at all, an empty one, gaps or overlaps.
pub fn check(steps: &[Step]) -> Result<(), ApiError> {
    if steps.is_empty() {
        return Err(validation(
            "At least one StepAdjustment must be specified for policy type StepScaling",
        ));
    }
    let mut bounds: Vec<(f64, f64)> = steps
        .iter()
        .map(|step| {
            (
                step.metric_interval_lower_bound
                    .unwrap_or(f64::NEG_INFINITY),
                step.metric_interval_upper_bound.unwrap_or(f64::INFINITY),
            )
        })
        .collect();
    bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    if bounds.iter().any(|(lower, upper)| lower >= upper) {
        return Err(validation(
            "A step's lower bound must be less than its upper bound",
        ));
    }
    let touching = bounds
        .windows(2)
        .all(|pair| pair[0].1.total_cmp(&pair[1].0).is_eq());
    if !touching {
        return Err(validation(
            "The StepAdjustment intervals can't overlap or have a gap between them",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_documented() {
        let percent = Adjustment::PercentChangeInCapacity(0);
        assert_eq!(percent.apply(10, 25), 12, "12.5 is rounded down to 12");
        assert_eq!(percent.apply(4, 10), 5, "0.4 is rounded up to 1");
        assert_eq!(percent.apply(10, -66), 4, "-6.6 is rounded towards zero");
        assert_eq!(percent.apply(4, -10), 3);
        assert_eq!(Adjustment::PercentChangeInCapacity(2).apply(4, 25), 6);
    }

    #[test]
    fn bounds_belong_to_one_step() {
        let step = |lower, upper| Step {
            metric_interval_lower_bound: lower,
            metric_interval_upper_bound: upper,
            scaling_adjustment: 1,
        };
        assert!(step(Some(0.0), Some(10.0)).covers(0.0));
        assert!(!step(Some(0.0), Some(10.0)).covers(10.0));
        assert!(step(Some(10.0), None).covers(10.0));
        assert!(step(Some(-10.0), Some(0.0)).covers(0.0));
        assert!(!step(Some(-10.0), Some(0.0)).covers(-10.0));
        assert!(check(&[step(Some(0.0), Some(10.0)), step(Some(10.0), None)]).is_ok());
        assert!(check(&[step(Some(0.0), Some(10.0)), step(Some(20.0), None)]).is_err());
    }
}
