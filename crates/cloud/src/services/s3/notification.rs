//! Who is told of what happens to a bucket's objects.
//!
//! Source: Amazon S3 user guide, "Amazon S3 Event Notifications".

use serde::{Deserialize, Serialize};

use super::ask::{self, Element, bucket, document as parse, given, only};
use super::{document, nothing};
use crate::api::xml::Xml;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::services::lambda;
use crate::state::State as Cloud;

/// As whom S3 invokes functions.
pub(super) const PRINCIPAL: &str = "s3.amazonaws.com";

/// The kinds of events that happen here.
const EVENTS: [&str; 8] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
];

/// The most functions that a bucket tells.
const MOST: usize = 100;

/// A function that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id, unique in the bucket.
    pub id: String,
    /// The function's ARN.
    pub function: String,
    /// Of what.
    pub events: Vec<String>,
    /// How the keys begin.
    pub prefix: String,
    /// How the keys end.
    pub suffix: String,
}

impl Notification {
    /// Whether it is about the event `kind` (`ObjectCreated:Put`) of `key`.
    pub fn is_about(&self, kind: &str, key: &str) -> bool {
        self.events.iter().any(|event| covers(event, kind))
            && key.starts_with(&self.prefix)
            && key.ends_with(&self.suffix)
    }

    /// Whether some event of some key would be told by both.
    fn overlaps(&self, other: &Self) -> bool {
        let either =
            |one: &str, two: &str, fits: fn(&str, &str) -> bool| fits(one, two) || fits(two, one);
        let events = self.events.iter().any(|one| {
            other.events.iter().any(|two| {
                either(one, two, |pattern, event| {
                    covers(pattern, event.trim_start_matches("s3:"))
                })
            })
        });
        events
            && either(&self.prefix, &other.prefix, |one, two| one.starts_with(two))
            && either(&self.suffix, &other.suffix, |one, two| one.ends_with(two))
    }

    fn read(cloud: &mut Cloud, request: &ApiRequest, element: &Element) -> Result<Self, ApiError> {
        element.only(request, &["Id", "CloudFunction", "Event", "Filter"])?;
        let function = element.text_of("CloudFunction").unwrap_or_default();
        if !function.starts_with("arn:aws:lambda:") {
            return Err(refuse("The ARN is not well formed"));
        }
        let events: Vec<String> = element
            .all("Event")
            .map(|event| event.text.clone())
            .collect();
        for event in &events {
            if !EVENTS.contains(&event.as_str()) {
                return Err(ApiError::not_modelled(format_args!(
                    "the event '{event}' of a bucket"
                )));
            }
        }
        if events.is_empty() {
            return Err(ApiError::new(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our \
                 published schema",
            ));
        }
        let (mut prefix, mut suffix) = (String::new(), String::new());
        if let Some(filter) = element.child("Filter") {
            filter.only(request, &["S3Key"])?;
            for rule in filter.children.iter().flat_map(|key| key.all("FilterRule")) {
                let value = rule.text_of("Value").unwrap_or_default();
                match rule.text_of("Name").map(str::to_ascii_lowercase).as_deref() {
                    Some("prefix") => value.clone_into(&mut prefix),
                    Some("suffix") => value.clone_into(&mut suffix),
                    _ => return Err(refuse("filter rule name must be either prefix or suffix")),
                }
            }
        }
        let id = match element.text_of("Id") {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => cloud.ids.uuid(),
        };
        Ok(Self {
            id,
            function: function.to_owned(),
            events,
            prefix,
            suffix,
        })
    }
}

/// Whether the configured `event` (`s3:ObjectCreated:*`) covers `kind` (`ObjectCreated:Put`).
fn covers(event: &str, kind: &str) -> bool {
    let event = event.trim_start_matches("s3:");
    match event.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => event == kind,
    }
}

fn refuse(why: &str) -> ApiError {
    ApiError::new("InvalidArgument", why)
}

pub(super) fn get(cloud: &Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(request, &[], &["notification"])?;
    let bucket = cloud.s3.bucket(&bucket(request)?)?;
    let xml = bucket
        .notifications
        .iter()
        .fold(Xml::new(), |xml, notification| {
            xml.node("CloudFunctionConfiguration", |xml| show(notification, xml))
        });
    Ok(document(request, "NotificationConfiguration", xml))
}

fn show(notification: &Notification, xml: Xml) -> Xml {
    let xml = xml
        .text("Id", &notification.id)
        .text("CloudFunction", &notification.function);
    let xml = notification
        .events
        .iter()
        .fold(xml, |xml, event| xml.text("Event", event));
    let rules: Vec<(&str, &str)> = [
        ("Prefix", notification.prefix.as_str()),
        ("Suffix", &notification.suffix),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .collect();
    if rules.is_empty() {
        return xml;
    }
    xml.node("Filter", |xml| {
        xml.list("S3Key", "FilterRule", rules, |(name, value), xml| {
            xml.text("Name", name).text("Value", value)
        })
    })
}

/// Replaces the whole configuration; each function's policy must let S3 in, unless the
/// caller does not want that looked at.
pub(super) fn put(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    only(
        request,
        &["x-amz-skip-destination-validation"],
        &["notification"],
    )?;
    ask::verify(request)?;
    let name = bucket(request)?;
    cloud.s3.bucket(&name)?;
    let configuration = parse(request)?;
    configuration.only(request, &["CloudFunctionConfiguration"])?;
    let mut wanted: Vec<Notification> = Vec::new();
    for element in configuration.all("CloudFunctionConfiguration") {
        let notification = Notification::read(cloud, request, element)?;
        if wanted.iter().any(|other| other.id == notification.id) {
            return Err(refuse("Configuration Ids should be unique"));
        }
        if wanted.iter().any(|other| other.overlaps(&notification)) {
            return Err(refuse(
                "Configurations overlap. Configurations on the same bucket cannot share a common \
                 event type.",
            ));
        }
        wanted.push(notification);
    }
    if wanted.len() > MOST {
        return Err(refuse(
            "There are more than 100 notification configurations",
        ));
    }
    let skips = given(request, "x-amz-skip-destination-validation")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let source = format!("arn:aws:s3:::{name}");
    let shut = wanted
        .iter()
        .any(|one| !lambda::admits(cloud, PRINCIPAL, &source, &one.function));
    if shut && !skips {
        return Err(refuse(
            "Unable to validate the following destination configurations",
        ));
    }
    cloud.s3.bucket_mut(&name)?.notifications = wanted;
    Ok(nothing(request, 200))
}

#[cfg(test)]
mod tests {
    use super::Notification;

    fn notification(events: &[&str], prefix: &str, suffix: &str) -> Notification {
        Notification {
            id: "one".to_owned(),
            function: "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
        }
    }

    #[test]
    fn it_is_about_kinds_and_keys() {
        let logs = notification(&["s3:ObjectCreated:*"], "logs/", ".gz");
        assert!(logs.is_about("ObjectCreated:Put", "logs/a.gz"));
        assert!(!logs.is_about("ObjectRemoved:Delete", "logs/a.gz"));
        assert!(!logs.is_about("ObjectCreated:Put", "logs/a.txt"));
        assert!(!logs.is_about("ObjectCreated:Put", "a.gz"));
    }

    #[test]
    fn two_overlap_where_one_key_is_about_both() {
        let all = notification(&["s3:ObjectCreated:*"], "", "");
        let puts = notification(&["s3:ObjectCreated:Put"], "logs/", "");
        let gone = notification(&["s3:ObjectRemoved:*"], "", "");
        let other = notification(&["s3:ObjectCreated:*"], "uploads/", "");
        assert!(all.overlaps(&puts) && puts.overlaps(&all));
        assert!(!all.overlaps(&gone));
        assert!(!puts.overlaps(&other));
    }
}
