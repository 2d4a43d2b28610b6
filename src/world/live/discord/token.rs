//! The bot's token and where Discord is: from the environment, or from a `.env` file.

use std::path::Path;

use opsh_operation::{Fault, FaultKind, Secret};
use url::{Host, Url};

use crate::world::discord::{API, TOKEN, TOKEN_FILE, no_token};

/// Another place of the REST API: for proxies and tests.
const API_URL: &str = "DISCORD_API_URL";

/// The bot's token.
pub(super) fn token() -> Result<Secret, Fault> {
    let text = setting(TOKEN)?.ok_or_else(no_token)?;
    let text = text.trim();
    let text = text.strip_prefix("Bot ").unwrap_or(text);
    let sound = |letter: char| letter.is_ascii_graphic();
    if text.is_empty() || !text.chars().all(sound) {
        return Err(Fault::new(
            FaultKind::Credentials,
            format!("what {TOKEN} holds is no token: one has no spaces in it"),
        ));
    }
    Ok(Secret::new(text))
}

/// Where the REST API is.
pub(super) fn api() -> Result<String, Fault> {
    let Some(text) = setting(API_URL)? else {
        return Ok(API.to_owned());
    };
    let url = text.trim().trim_end_matches('/').to_owned();
    if !is_safe(&url, "https", "http") {
        return Err(Fault::new(
            FaultKind::Invalid,
            format!("{API_URL} is not a place for a token: '{url}'"),
        )
        .hint("it must be an https URL; http only where it leads to this machine"));
    }
    Ok(url)
}

/// Whether a token may be sent to `url`: encrypted, or to this machine.
pub(super) fn is_safe(url: &str, secure: &str, plain: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    bare && (url.scheme() == secure || (url.scheme() == plain && local))
}

/// The environment variable `name`, else the line of the file.
fn setting(name: &str) -> Result<Option<String>, Fault> {
    match std::env::var(name) {
        Ok(value) if !value.trim().is_empty() => Ok(Some(value)),
        _ => in_file(Path::new(TOKEN_FILE), name),
    }
}

fn in_file(path: &Path, name: &str) -> Result<Option<String>, Fault> {
    let unreadable = |why: &str| {
        Fault::new(
            FaultKind::Credentials,
            format!("the file {} cannot be read: {why}", path.display()),
        )
        .hint(format!("a line of it is {TOKEN}=the token"))
    };
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(None),
        Err(dotenvy::Error::Io(error)) => return Err(unreadable(&error.to_string())),
        Err(_) => return Err(unreadable("it is not a list of settings")),
    };
    for line in lines {
        // What is wrong is not shown: it may be the token.
        let (key, value) = line.map_err(|_| unreadable("one of its lines is not NAME=value"))?;
        if key == name {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tokens_go_to_safe_places_only() {
        let safe = |url| is_safe(url, "wss", "ws");
        assert!(safe("wss://gateway.discord.gg") && safe("ws://127.0.0.1:81/x"));
        assert!(safe("ws://localhost:9") && safe("ws://[::1]:9"));
        for bad in [
            "ws://gateway.discord.gg",
            "http://127.0.0.1",
            "no url",
            "wss://",
            "wss://a:b@c",
        ] {
            assert!(!safe(bad), "{bad}");
        }
    }

    #[test]
    fn a_file_gives_its_setting_and_never_shows_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        assert_eq!(in_file(&path, TOKEN), Ok(None));
        std::fs::write(&path, "# mine\nOTHER=1\nDISCORD_TOKEN=\"abc.def\"\n").unwrap();
        assert_eq!(in_file(&path, TOKEN), Ok(Some("abc.def".to_owned())));
        assert_eq!(in_file(&path, "ABSENT"), Ok(None));
        std::fs::write(&path, "DISCORD TOKEN hunter2-abc\n").unwrap();
        let fault = in_file(&path, TOKEN).unwrap_err();
        assert!(
            fault
                .message
                .ends_with("one of its lines is not NAME=value")
        );
        assert!(!format!("{fault:?}").contains("hunter2"));
    }
}
