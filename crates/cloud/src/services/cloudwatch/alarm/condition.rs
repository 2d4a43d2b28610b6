//! When an alarm sounds.

use serde::{Deserialize, Serialize};

use super::super::metric::{Metric, unit};
use super::super::statistic::Statistic;
use crate::api::ApiError;

/// How a value is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `>=`
    GreaterThanOrEqualToThreshold,
    /// `>`
    GreaterThanThreshold,
    /// `<`
    LessThanThreshold,
    /// `<=`
    LessThanOrEqualToThreshold,
}

impl Comparison {
    fn named(name: &str) -> Result<Self, ApiError> {
        Ok(match name {
            "GreaterThanOrEqualToThreshold" => Self::GreaterThanOrEqualToThreshold,
            "GreaterThanThreshold" => Self::GreaterThanThreshold,
            "LessThanThreshold" => Self::LessThanThreshold,
            "LessThanOrEqualToThreshold" => Self::LessThanOrEqualToThreshold,
            "LessThanLowerOrGreaterThanUpperThreshold"
            | "LessThanLowerThreshold"
            | "GreaterThanUpperThreshold" => {
                return Err(ApiError::not_modelled(format_args!(
                    "comparison operator '{name}' (anomaly detection)"
                )));
            }
            _ => {
                return Err(refusal(format!(
                    "The parameter ComparisonOperator '{name}' is invalid."
                )));
            }
        })
    }

    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Self::GreaterThanThreshold => "GreaterThanThreshold",
            Self::LessThanThreshold => "LessThanThreshold",
            Self::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
        }
    }

    /// As a reason words it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "greater than or equal to",
            Self::GreaterThanThreshold => "greater than",
            Self::LessThanThreshold => "less than",
            Self::LessThanOrEqualToThreshold => "less than or equal to",
        }
    }
}

/// What a period without values counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// Nothing: too little is known.
    Missing,
    /// The verdict stays.
    Ignore,
    /// A value beyond the threshold.
    Breaching,
    /// A value within the threshold.
    NotBreaching,
}

impl Missing {
    fn named(name: &str) -> Result<Self, ApiError> {
        Ok(match name {
            "missing" => Self::Missing,
            "ignore" => Self::Ignore,
            "breaching" => Self::Breaching,
            "notBreaching" => Self::NotBreaching,
            _ => {
                return Err(refusal(format!(
                    "Option {name} is not supported. Supported options for TreatMissingData are [breaching, notBreaching, ignore, missing]."
                )));
            }
        })
    }

    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ignore => "ignore",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
        }
    }
}

/// A condition as it was asked for.
#[derive(Debug)]
pub struct Wording {
    /// The metric.
    pub metric: Metric,
    /// One of the five.
    pub statistic: Option<String>,
    /// A percentile.
    pub extended_statistic: Option<String>,
    /// Seconds.
    pub period: i64,
    /// The unit, if only one counts.
    pub unit: Option<String>,
    /// How many periods are looked at.
    pub evaluation_periods: usize,
    /// How many of them must be beyond the threshold.
    pub datapoints_to_alarm: Option<usize>,
    /// The threshold.
    pub threshold: f64,
    /// How to compare.
    pub comparison: String,
    /// What no value counts as.
    pub missing: Option<String>,
}

/// When an alarm sounds, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The metric.
    pub metric: Metric,
    /// The statistic.
    pub statistic: Statistic,
    /// Its name, if it is one of the five.
    pub statistic_name: Option<String>,
    /// Its name, if it is a percentile.
    pub extended_name: Option<String>,
    /// Seconds.
    pub period: i64,
    /// The unit, if only one counts.
    pub unit: Option<String>,
    /// How many periods are looked at.
    pub evaluation_periods: usize,
    /// How many of them must be beyond the threshold, if that was said.
    pub datapoints_to_alarm: Option<usize>,
    /// The threshold.
    pub threshold: f64,
    /// How to compare.
    pub comparison: Comparison,
    /// What no value counts as, if that was said.
    pub missing: Option<Missing>,
}

impl Condition {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// What AWS refuses.
    pub fn new(wording: Wording) -> Result<Self, ApiError> {
        let statistic = match (&wording.statistic, &wording.extended_statistic) {
            (Some(name), None) => Statistic::basic(name)?,
            (None, Some(name)) => Statistic::extended(name)?,
            _ => {
                return Err(refusal(
                    "Exactly one of Statistic and ExtendedStatistic must be specified.",
                ));
            }
        };
        if !(matches!(wording.period, 10 | 20 | 30)
            || (wording.period > 0 && wording.period % 60 == 0))
        {
            return Err(refusal(
                "Period must be 10, 20, 30 or a multiple of 60 seconds.",
            ));
        }
        let periods = wording.evaluation_periods;
        if periods < 1 {
            return Err(refusal("EvaluationPeriods must be at least 1."));
        }
        let to_alarm = wording.datapoints_to_alarm.unwrap_or(periods);
        if to_alarm < 1 || to_alarm > periods {
            return Err(refusal(
                "DatapointsToAlarm must be between 1 and EvaluationPeriods.",
            ));
        }
        // A day; a week where the period is an hour or longer.
        let longest = if wording.period >= 3600 { 7 } else { 1 } * 86_400;
        let watched = i64::try_from(periods)
            .ok()
            .and_then(|periods| periods.checked_mul(wording.period));
        if watched.is_none_or(|seconds| seconds > longest) {
            return Err(refusal(format!(
                "Metrics cannot be checked across more than {} (EvaluationPeriods * Period must be <= {longest}).",
                if longest > 86_400 {
                    "seven days"
                } else {
                    "a day"
                },
            )));
        }
        if !wording.threshold.is_finite() {
            return Err(refusal("Threshold must be a number."));
        }
        if let Some(name) = &wording.unit {
            unit(name)?;
        }
        Ok(Self {
            metric: wording.metric,
            statistic,
            statistic_name: wording.statistic,
            extended_name: wording.extended_statistic,
            period: wording.period,
            unit: wording.unit,
            evaluation_periods: periods,
            datapoints_to_alarm: wording.datapoints_to_alarm,
            threshold: wording.threshold,
            comparison: Comparison::named(&wording.comparison)?,
            missing: wording.missing.as_deref().map(Missing::named).transpose()?,
        })
    }

    /// Whether `value` is beyond the threshold.
    #[must_use]
    pub fn breaks(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::GreaterThanOrEqualToThreshold => value >= self.threshold,
            Comparison::GreaterThanThreshold => value > self.threshold,
            Comparison::LessThanThreshold => value < self.threshold,
            Comparison::LessThanOrEqualToThreshold => value <= self.threshold,
        }
    }

    /// How many periods must be beyond the threshold.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods)
    }

    /// What a period without values counts as.
    #[must_use]
    pub fn missing(&self) -> Missing {
        self.missing.unwrap_or(Missing::Missing)
    }
}

fn refusal(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}
