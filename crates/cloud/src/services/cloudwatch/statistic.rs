//! What the values of a period amount to.

use serde::{Deserialize, Serialize};

use super::metric::invalid;
use crate::api::ApiError;

/// Some values of one instant: counted singly, or only summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many values.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
    /// The single values with how often each came; empty where the publisher sent a
    /// statistic set, which has no percentiles.
    pub values: Vec<(f64, f64)>,
}

impl Summary {
    /// One value.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self::counted(vec![(value, 1.0)])
    }

    /// Values with their counts.
    #[must_use]
    pub fn counted(values: Vec<(f64, f64)>) -> Self {
        let mut summary = Self::empty();
        for &(value, count) in &values {
            summary.count += count;
            summary.sum += value * count;
            summary.minimum = summary.minimum.min(value);
            summary.maximum = summary.maximum.max(value);
        }
        summary.values = values;
        summary
    }

    fn empty() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
            values: Vec::new(),
        }
    }

    /// All of `parts` together; `None` of none.
    pub fn total<'a>(parts: impl IntoIterator<Item = &'a Summary>) -> Option<Summary> {
        let mut total = Self::empty();
        let mut single = true;
        for part in parts {
            total.count += part.count;
            total.sum += part.sum;
            total.minimum = total.minimum.min(part.minimum);
            total.maximum = total.maximum.max(part.maximum);
            // A set of one value, or of equal values, is as good as single values.
            if part.values.is_empty() && part.count > 0.0 {
                if part.count <= 1.0 || (part.maximum - part.minimum).abs() < f64::EPSILON {
                    total.values.push((part.minimum, part.count));
                } else {
                    single = false;
                }
            }
            total.values.extend_from_slice(&part.values);
        }
        if !single {
            total.values.clear();
        }
        (total.count > 0.0).then_some(total)
    }

    /// The value below or at which `percent` of the values are, interpolated between
    /// neighbours; `None` where only sums are known.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let mut values = self.values.clone();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = values.last()?.0;
        let rank = percent / 100.0 * (self.count - 1.0).max(0.0);
        let at = |rank: f64| {
            let mut seen = 0.0;
            for &(value, count) in &values {
                seen += count;
                if rank < seen {
                    return value;
                }
            }
            last
        };
        let (low, high) = (at(rank.floor()), at(rank.ceil()));
        Some(low + (high - low) * rank.fract())
    }
}

/// A statistic that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Statistic {
    /// How many values.
    SampleCount,
    /// Sum by count.
    Average,
    /// All together.
    Sum,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
    /// `p99.9`.
    Percentile(f64),
}

impl Statistic {
    /// One of the five that need no single values.
    ///
    /// # Errors
    /// Any other name.
    pub fn basic(name: &str) -> Result<Self, ApiError> {
        Ok(match name {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => {
                return Err(invalid(
                    "The parameter Statistics must be a value in the set \
                     [ SampleCount, Average, Sum, Minimum, Maximum ].",
                ));
            }
        })
    }

    /// A percentile, `p0` to `p100`.
    ///
    /// # Errors
    /// The other extended statistics (trimmed means and their kin) are not modelled.
    pub fn extended(name: &str) -> Result<Self, ApiError> {
        let Some(percent) = name.strip_prefix('p').filter(|rest| !rest.starts_with('r')) else {
            let known = [
                "tm", "tc", "ts", "wm", "pr", "iqm", "IQM", "TM", "TC", "TS", "WM", "PR",
            ];
            if known.iter().any(|prefix| name.starts_with(prefix)) {
                return Err(ApiError::not_modelled(format_args!("statistic '{name}'")));
            }
            return Err(invalid(format!("The statistic '{name}' is invalid.")));
        };
        match percent.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percentile(percent)),
            _ => Err(invalid(format!("The statistic '{name}' is invalid."))),
        }
    }

    /// Any of them, as `GetMetricData` names it.
    ///
    /// # Errors
    /// What is not a statistic or not modelled.
    pub fn named(name: &str) -> Result<Self, ApiError> {
        Self::basic(name).or_else(|_| Self::extended(name))
    }

    /// Its value in `summary`.
    #[must_use]
    pub fn value(self, summary: &Summary) -> Option<f64> {
        Some(match self {
            Self::SampleCount => summary.count,
            Self::Average => summary.sum / summary.count,
            Self::Sum => summary.sum,
            Self::Minimum => summary.minimum,
            Self::Maximum => summary.maximum,
            Self::Percentile(percent) => return summary.percentile(percent),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;

    #[test]
    fn counts_weigh_values() {
        let summary = Summary::counted(vec![(1.0, 3.0), (5.0, 1.0)]);
        let value = |name| Statistic::named(name).unwrap().value(&summary).unwrap();
        assert_eq!(value("SampleCount"), 4.0);
        assert_eq!(value("Average"), 2.0);
        assert_eq!(value("Sum"), 8.0);
        assert_eq!(value("Minimum"), 1.0);
        assert_eq!(value("Maximum"), 5.0);
        assert_eq!(value("p50"), 1.0);
        assert_eq!(value("p100"), 5.0);
    }

    #[test]
    fn statistic_sets_have_no_percentiles_unless_they_are_one_value() {
        let set = Summary {
            count: 2.0,
            sum: 3.0,
            minimum: 1.0,
            maximum: 2.0,
            values: Vec::new(),
        };
        let total = Summary::total([&set, &Summary::of(9.0)]).unwrap();
        assert_eq!(total.percentile(50.0), None);
        assert_eq!(total.maximum, 9.0);
        let equal = Summary {
            minimum: 1.5,
            maximum: 1.5,
            ..set
        };
        assert_eq!(
            Summary::total([&equal]).unwrap().percentile(99.0),
            Some(1.5)
        );
    }

    #[test]
    fn what_is_no_statistic_is_refused_and_what_is_not_modelled_says_so() {
        assert_eq!(
            Statistic::named("tm99").unwrap_err().to_string(),
            "NotModelled: not modelled by the embedded cloud: statistic 'tm99'"
        );
        assert_eq!(
            Statistic::named("p101").unwrap_err().code,
            "InvalidParameterValue"
        );
        assert_eq!(
            Statistic::named("Mean").unwrap_err().code,
            "InvalidParameterValue"
        );
    }
}
