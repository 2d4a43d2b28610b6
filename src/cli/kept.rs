//! What of a run's settings the ledger keeps, so that `opsh resume` starts it the same way.

use std::path::{Path, PathBuf};

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
    let list =
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
        ("connect_to", list(&settings.connect_to)),
        ("allow", list(&settings.allow)),
        ("deny", list(&settings.deny)),
        ("yes", settings.yes.into()),
        (
            "seed",
            // As text: half of the seeds are no whole numbers of ours.
            settings.seed.map(|seed| seed.to_string()).into(),
        ),
        (
            "sns_ca",
            settings
                .sns_ca
                .as_ref()
                .map(|file| Path::new(&folder).join(file).display().to_string())
                .into(),
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

/// Lets `settings` lead to where the run was, where they do not say otherwise.
///
/// What the environment says the same now as then stays its own: a profile that is named in
/// the settings would win over its keys.
pub fn place(kept: &Map, settings: &mut Settings) {
    let unless_said = |name: &str, variable: &str| {
        text(kept, name).filter(|kept| std::env::var(variable).ok().as_ref() != Some(kept))
    };
    let Settings {
        region,
        profile,
        endpoint_url,
        connect_to,
        ..
    } = settings;
    *region = region.take().or_else(|| text(kept, "region"));
    *profile = profile
        .take()
        .or_else(|| unless_said("profile", "AWS_PROFILE"));
    *endpoint_url = endpoint_url
        .take()
        .or_else(|| unless_said("endpoint_url", "AWS_ENDPOINT_URL"));
    if connect_to.is_empty() {
        *connect_to = texts(kept, "connect_to");
    }
}

/// Puts what was kept where `settings` do not say otherwise.
pub fn restore(kept: &Map, settings: &mut Settings) {
    place(kept, settings);
    settings.allow = texts(kept, "allow");
    settings.deny = texts(kept, "deny");
    settings.yes |= kept.get("yes").and_then(Value::as_bool).unwrap_or_default();
    settings.seed = text(kept, "seed").and_then(|seed| seed.parse().ok());
    settings.sns_ca = settings
        .sns_ca
        .take()
        .or_else(|| text(kept, "sns_ca").map(PathBuf::from));
}

fn text(kept: &Map, name: &str) -> Option<String> {
    kept.get(name).and_then(Value::as_text).map(str::to_owned)
}

fn texts(kept: &Map, name: &str) -> Vec<String> {
    let values = kept.get(name).and_then(Value::as_list).unwrap_or_default();
    values
        .iter()
        .filter_map(|value| value.as_text().map(str::to_owned))
        .collect()
}
