//! What of a run's settings the ledger keeps, so that `opsh resume` starts it the same way.

use opsh_operation::{Map, Value};

use super::settings::Settings;
use crate::ledger::RunSettings;
use crate::script::error::{Class, ScriptError};
use crate::script::run::plain_io;

/// What is kept of `settings`. Where the environment decides (region, profile,
/// endpoint), what it says now is kept: another shell may say something else.
///
/// # Errors
/// The working directory cannot be read.
pub fn keep(settings: &Settings) -> Result<RunSettings, ScriptError> {
    let folder = std::env::current_dir().map_err(|error| {
        ScriptError::plain(
            Class::Start,
            format!("the working directory cannot be read: {}", plain_io(&error)),
        )
    })?;
    let live = !settings.embedded() && !settings.dry_run;
    let decided = |given: &Option<String>, variables: &[&str]| -> Value {
        let environment = || {
            let mut values = variables.iter().filter_map(|name| std::env::var(name).ok());
            values.find(|value| live && !value.is_empty())
        };
        given.clone().or_else(environment).into()
    };
    let texts =
        |texts: &[String]| Value::List(texts.iter().map(|text| text.as_str().into()).collect());
    let entries = [
        (
            "region",
            decided(&settings.region, &["AWS_REGION", "AWS_DEFAULT_REGION"]),
        ),
        ("profile", decided(&settings.profile, &["AWS_PROFILE"])),
        (
            "endpoint_url",
            decided(&settings.endpoint_url, &["AWS_ENDPOINT_URL"]),
        ),
        ("connect_to", texts(&settings.connect_to)),
        ("allow", texts(&settings.allow)),
        ("deny", texts(&settings.deny)),
        ("yes", settings.yes.into()),
        (
            "seed",
            // As text: half of the seeds are no whole numbers of ours.
            settings.seed.map(|seed| seed.to_string()).into(),
        ),
    ];
    Ok(RunSettings {
        folder: folder.display().to_string(),
        settings: entries
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    })
}

/// Puts what was kept where `settings` do not say otherwise.
pub fn restore(kept: &Map, settings: &mut Settings) {
    let text = |name: &str| kept.get(name).and_then(Value::as_text).map(str::to_owned);
    let texts = |name: &str| -> Vec<String> {
        let values = kept.get(name).and_then(Value::as_list).unwrap_or_default();
        values
            .iter()
            .filter_map(|value| value.as_text().map(str::to_owned))
            .collect()
    };
    settings.region = settings.region.take().or_else(|| text("region"));
    settings.profile = settings.profile.take().or_else(|| text("profile"));
    settings.endpoint_url = settings
        .endpoint_url
        .take()
        .or_else(|| text("endpoint_url"));
    if settings.connect_to.is_empty() {
        settings.connect_to = texts("connect_to");
    }
    settings.allow = texts("allow");
    settings.deny = texts("deny");
    settings.yes |= kept.get("yes").and_then(Value::as_bool).unwrap_or_default();
    settings.seed = text("seed").and_then(|seed| seed.parse().ok());
}
