//! `on_alarm(topic, |alarm| …, #{ url, … })`: its options, and the route that it needs.

use std::sync::Arc;
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Map, Value};
use rhai::{FnPtr, ImmutableString, Module, NativeCallContext};
use url::Url;

use super::engine::Runtime;
use super::service::{Given, duration, options, refused, registered, set};
use crate::modules::service::ON_ALARM;
use crate::service::alarms::{Alarms, Clerk, Options};
use crate::service::http::answer::{Route, Target};
use crate::service::http::routes::Pattern;
use crate::service::{Bounds, Handler};

/// The most that is read of a message.
const LARGEST: u64 = 512 * 1024;

/// Adds the function to the module of services.
pub fn extend(module: &mut Module, runtime: &Arc<Runtime>) {
    let own = Arc::clone(runtime);
    set(
        module,
        "on_alarm",
        move |context: NativeCallContext, topic: ImmutableString, function: FnPtr| {
            on_alarm(&own, &context, &topic, &function, rhai::Map::new())
        },
    );
    let own = Arc::clone(runtime);
    set(
        module,
        "on_alarm",
        move |context: NativeCallContext,
              topic: ImmutableString,
              function: FnPtr,
              options: rhai::Map| on_alarm(&own, &context, &topic, &function, options),
    );
}

fn on_alarm(
    runtime: &Arc<Runtime>,
    context: &NativeCallContext,
    topic: &str,
    function: &FnPtr,
    given: rhai::Map,
) -> Given {
    let made = || -> Result<(Options, Bounds, Pattern), Fault> {
        let map = options("on_alarm", given, ON_ALARM.fields)?;
        runtime.service.possible("on_alarm")?;
        read(topic, &map)
    };
    let (options, bounds, pattern) = made().map_err(|fault| refused(runtime, context, &fault))?;
    let service = &runtime.service;
    let name = format!("on_alarm {}", topic.rsplit(':').next().unwrap_or(topic));
    let clerk = Clerk::new(service, context, &name)?;
    let handler = service.handler(&name, &Handler::new(context, function).within(bounds));
    let alarms = Arc::new(Alarms::new(options, handler, clerk));
    service
        .join(Route {
            pattern,
            target: Target::Inbox(Arc::clone(&alarms) as _),
            max_body: Some(LARGEST),
        })
        .map_err(|fault| refused(runtime, context, &fault))?;
    registered(runtime, context, alarms)
}

fn read(topic: &str, map: &Map) -> Result<(Options, Bounds, Pattern), Fault> {
    let invalid = |why: String| Fault::new(FaultKind::Invalid, format!("on_alarm: {why}"));
    let parts: Vec<&str> = topic.split(':').collect();
    if parts.len() != 6 || parts[0] != "arn" || parts[2] != "sns" || parts.contains(&"") {
        return Err(invalid(format!(
            "'{topic}' is no ARN of a topic such as arn:aws:sns:eu-west-1:123456789012:alarms"
        )));
    }
    let text = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) if text.is_empty() => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(other) => Err(invalid(format!(
            "'{name}' must be a text, not {}",
            other.to_json()
        ))),
    };
    let url = text("url")?;
    let public = url
        .as_deref()
        .map(|url| {
            let read = Url::parse(url).ok();
            let read = read.filter(|url| matches!(url.scheme(), "http" | "https"));
            read.ok_or_else(|| invalid(format!("'{url}' is no URL that SNS could reach")))
        })
        .transpose()?;
    let path = match (text("path")?, public) {
        (Some(path), _) => path,
        (None, Some(url)) => url.path().to_owned(),
        (None, None) => "/alarms".to_owned(),
    };
    let sha1 = match map.get("sha1") {
        None => false,
        Some(Value::Bool(wanted)) => *wanted,
        Some(other) => {
            let other = other.to_json();
            return Err(invalid(format!(
                "'sha1' must be true or false, not {other}"
            )));
        }
    };
    let options = Options {
        topic: topic.to_owned(),
        url,
        sha1,
    };
    let bounds = Bounds {
        limit: duration("on_alarm", map, "timeout", Duration::from_millis(1))?,
        exclusive: text("exclusive")?,
    };
    let pattern = Pattern::read(&format!("POST {path}"), false).map_err(invalid)?;
    Ok((options, bounds, pattern))
}
