//! Policies that keep a metric at a value, by alarms that they make themselves.

use serde::{Deserialize, Serialize};

use super::super::validation;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::services::cloudwatch::alarm::condition::{Condition, Wording};
use crate::services::cloudwatch::alarm::{Actions, install};
use crate::services::cloudwatch::metric::{Dimension, Metric, dimensions};
use crate::state;

/// What is kept at what, as requests give it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Configuration {
    predefined_metric_specification: Option<Predefined>,
    customized_metric_specification: Option<Customized>,
    target_value: f64,
    disable_scale_in: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Predefined {
    predefined_metric_type: String,
    resource_label: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Customized {
    metric_name: String,
    namespace: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    statistic: String,
    unit: Option<String>,
}

/// A configuration with its alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tracking {
    /// What was asked for.
    pub configuration: Configuration,
    /// The names of the alarms that are its own.
    pub alarms: Vec<String>,
}

impl Configuration {
    /// The metric and the statistic that it follows for `group`.
    ///
    /// # Errors
    /// None or two are given; predefined ones that do not exist; no target.
    pub fn metric(&self, group: &str) -> Result<(Metric, String, Option<String>), ApiError> {
        if self.target_value.is_nan() || self.target_value <= 0.0 {
            return Err(validation("TargetValue must be greater than zero"));
        }
        match (
            &self.predefined_metric_specification,
            &self.customized_metric_specification,
        ) {
            (Some(predefined), None) => predefined.metric(group),
            (None, Some(custom)) => Ok((
                Metric::new(
                    &custom.namespace,
                    &custom.metric_name,
                    custom.dimensions.clone(),
                )?,
                custom.statistic.clone(),
                custom.unit.clone(),
            )),
            _ => Err(validation(
                "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
            )),
        }
    }

    /// As the API shows it.
    #[must_use]
    pub fn document(&self) -> Document {
        let predefined = self.predefined_metric_specification.as_ref().map(|metric| {
            Document::fields([
                ("PredefinedMetricType", some(&metric.predefined_metric_type)),
                ("ResourceLabel", maybe(metric.resource_label.as_ref())),
            ])
        });
        let custom = self.customized_metric_specification.as_ref().map(|metric| {
            Document::fields([
                ("MetricName", some(&metric.metric_name)),
                ("Namespace", some(&metric.namespace)),
                ("Dimensions", Some(dimensions(&metric.dimensions))),
                ("Statistic", some(&metric.statistic)),
                ("Unit", maybe(metric.unit.as_ref())),
            ])
        });
        Document::fields([
            ("PredefinedMetricSpecification", predefined),
            ("CustomizedMetricSpecification", custom),
            ("TargetValue", some(self.target_value)),
            ("DisableScaleIn", some(self.disable_scale_in == Some(true))),
        ])
    }
}

impl Predefined {
    fn metric(&self, group: &str) -> Result<(Metric, String, Option<String>), ApiError> {
        let name = match self.predefined_metric_type.as_str() {
            "ASGAverageCPUUtilization" => "CPUUtilization",
            "ASGAverageNetworkIn" => "NetworkIn",
            "ASGAverageNetworkOut" => "NetworkOut",
            "ALBRequestCountPerTarget" => return self.requests(),
            other => {
                return Err(validation(format_args!(
                    "PredefinedMetricType '{other}' is not valid"
                )));
            }
        };
        let dimension = Dimension::new("AutoScalingGroupName", group);
        let metric = Metric::new("AWS/EC2", name, vec![dimension])?;
        Ok((metric, "Average".to_owned(), None))
    }

    /// `app/NAME/ID/targetgroup/NAME/ID`.
    fn requests(&self) -> Result<(Metric, String, Option<String>), ApiError> {
        let label = self.resource_label.as_deref().unwrap_or_default();
        let target = label
            .find("targetgroup/")
            .map(|start| &label[start..])
            .filter(|_| label.starts_with("app/"))
            .ok_or_else(|| {
                validation(
                    "ResourceLabel must be app/<balancer>/<id>/targetgroup/<group>/<id> for ALBRequestCountPerTarget",
                )
            })?;
        let dimension = Dimension::new("TargetGroup", target);
        let metric = Metric::new(
            "AWS/ApplicationELB",
            "RequestCountPerTarget",
            vec![dimension],
        )?;
        Ok((metric, "Sum".to_owned(), None))
    }
}

impl Tracking {
    /// Makes the alarms of a policy: three minutes above the target grow the group, fifteen
    /// minutes below nine tenths of it shrink it.
    ///
    /// # Errors
    /// A configuration that does not hold together.
    pub fn begin(
        cloud: &mut state::State,
        group: &str,
        policy: &str,
        configuration: Configuration,
    ) -> Result<Self, ApiError> {
        let (metric, statistic, unit) = configuration.metric(group)?;
        let target = configuration.target_value;
        let mut wanted = vec![("AlarmHigh", 3, target, "GreaterThanThreshold")];
        if configuration.disable_scale_in != Some(true) {
            wanted.push(("AlarmLow", 15, target * 0.9, "LessThanThreshold"));
        }
        let mut alarms = Vec::new();
        for (what, periods, threshold, comparison) in wanted {
            let condition = Condition::new(Wording {
                metric: metric.clone(),
                statistic: Some(statistic.clone()),
                extended_statistic: None,
                period: 60,
                unit: unit.clone(),
                evaluation_periods: periods,
                datapoints_to_alarm: None,
                threshold,
                comparison: comparison.to_owned(),
                missing: None,
            })?;
            let name = format!("TargetTracking-{group}-{what}-{}", cloud.ids.uuid());
            let actions = Actions {
                enabled: true,
                alarm: vec![policy.to_owned()],
                ..Actions::default()
            };
            let description =
                format!("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy}.");
            install(cloud, &name, Some(description), condition, actions);
            alarms.push(name);
        }
        Ok(Self {
            configuration,
            alarms,
        })
    }

    /// Removes its alarms.
    pub fn remove_alarms(&self, cloud: &mut state::State) {
        for alarm in &self.alarms {
            cloud.cloudwatch.alarms.remove(alarm);
        }
    }

    /// How many instances bring the metric, which is at `value` with `capacity`, to its
    /// target.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped before
    pub fn wanted(&self, capacity: u32, value: f64) -> u32 {
        let exact = f64::from(capacity.max(1)) * value / self.configuration.target_value;
        exact.ceil().clamp(0.0, f64::from(u32::MAX)) as u32
    }
}
