//! What Discord is to a playbook: requests to its REST API, and what is said in its channels.

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Secret};
use serde_json::Value as Json;

use super::Cancel;
use super::http::Response;

/// Where its REST API is; paths of requests begin behind it.
pub const API: &str = "https://discord.com/api/v10";
/// The environment variable, or line of a `.env` file, that holds the bot's token.
pub const TOKEN: &str = "DISCORD_TOKEN";
/// The file of settings in the working directory.
pub const TOKEN_FILE: &str = ".env";

/// Something with an id and, as far as it is known, a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The id, digits only.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Named {
    /// Whether `word` means it: its id, or its name without regard to case.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        let word = word.trim_start_matches(['#', '@']);
        self.id == word || (!self.name.is_empty() && self.name.eq_ignore_ascii_case(word))
    }
}

/// What somebody said; never the bot itself or another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Where it was said.
    pub channel: Named,
    /// The channel that this one is a thread of.
    pub parent: Option<Named>,
    /// The server's id; none in a conversation between two.
    pub guild: Option<String>,
    /// Who said it.
    pub author: Named,
    /// The roles of who said it.
    pub roles: Vec<Named>,
    /// The words.
    pub content: String,
    /// Whether they mention the bot.
    pub to_bot: bool,
    /// The roles that they mention.
    pub mentions: Vec<Named>,
    /// When it was said.
    pub at: Option<Timestamp>,
}

/// What comes out of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The bot is there, under this name.
    Connected(String),
    /// It is there again, and has missed nothing.
    Resumed,
    /// The connection is gone and will be made anew: why.
    Lost(String),
    /// Something that cannot be understood was left out: what.
    Odd(String),
    /// Somebody has said something.
    Message(Box<Message>),
}

/// What a bot wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Conversations between two, beside the channels of servers.
    pub direct: bool,
}

/// Discord.
pub trait Discord: Send + Sync {
    /// The bot's token, to be redacted wherever it could be seen.
    ///
    /// # Errors
    /// There is none.
    fn token(&self) -> Result<Secret, Fault>;

    /// Asks the REST API, as often and as late as its rate limits want.
    ///
    /// # Errors
    /// `credentials`, `denied`, `not_found`, `invalid`, `throttled`, `unreachable`; the
    /// cancellation's.
    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Json>,
        cancel: &Cancel,
    ) -> Result<Json, Fault>;

    /// The id of the channel that is meant by an id or a name.
    ///
    /// # Errors
    /// There is none of that name, or several; the cancellation's.
    fn channel(&self, word: &str, cancel: &Cancel) -> Result<String, Fault>;

    /// Tells `hear` what is said, until it is cancelled; a lost connection is made again.
    ///
    /// # Errors
    /// Discord will not have this bot, however often it tries; nothing answers at the start.
    fn listen(
        &self,
        wanted: Wanted,
        hear: &mut dyn FnMut(Heard),
        cancel: &Cancel,
    ) -> Result<(), Fault>;
}

/// What an answer of the REST API says.
///
/// # Errors
/// Its status is no success; the fault's code is Discord's.
pub fn understood(method: &str, path: &str, answer: &Response) -> Result<Json, Fault> {
    let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    if (200..300).contains(&answer.status) {
        return Ok(body);
    }
    let code = body["code"].as_u64().unwrap_or_default();
    let words = body["message"].as_str().unwrap_or_default();
    let plain = |kind, message: &str| Fault::new(kind, message.to_owned());
    let fault = match (answer.status, code) {
        (401, _) => refused_token(),
        (_, 50_001) => plain(FaultKind::Denied, "the bot may not see that channel")
            .hint("invite the bot to the server, and give its role 'View Channel' in that channel"),
        (_, 50_013) => plain(FaultKind::Denied, "the bot may not write in that channel")
            .hint("give its role 'Send Messages', 'Embed Links' and 'Read Message History' there"),
        (_, 10_003) => plain(FaultKind::NotFound, "there is no such channel on Discord")
            .hint("copy the channel's id: right click on it, with Discord's developer mode on"),
        (403, _) => Fault::new(FaultKind::Denied, format!("Discord refuses it: {words}")),
        (404, _) => Fault::new(
            FaultKind::NotFound,
            format!("Discord has no {method} {path}: {words}"),
        ),
        (400, _) => Fault::new(
            FaultKind::Invalid,
            format!(
                "Discord does not take it: {words}{}",
                details(&body["errors"])
            ),
        ),
        (429, _) => Fault::new(FaultKind::Throttled, "Discord is asked too often"),
        (status, _) => Fault::new(
            FaultKind::Failed,
            format!("Discord answered {method} {path} with status {status}"),
        ),
    };
    let mut fault = fault.code(if code == 0 {
        answer.status.to_string()
    } else {
        code.to_string()
    });
    fault.retryable = answer.status == 429 || answer.status >= 500;
    Err(fault)
}

/// There is no token at all.
#[must_use]
pub fn no_token() -> Fault {
    Fault::new(
        FaultKind::Credentials,
        format!("there is no Discord token: {TOKEN} is not set, nor in the file {TOKEN_FILE} here"),
    )
    .hint("docs/chatbot.md says how to get one; or try it with --local or --dry-run")
}

/// Discord does not know the token.
#[must_use]
pub fn refused_token() -> Fault {
    Fault::new(
        FaultKind::Credentials,
        "Discord does not accept the bot's token",
    )
    .hint(format!(
        "make a new one in Discord's developer portal (Bot, Reset Token) and put it into {TOKEN} \
         or the file {TOKEN_FILE}"
    ))
}

/// The innermost messages of the tree that says what is wrong with a form.
fn details(errors: &Json) -> String {
    fn collect(errors: &Json, place: &str, found: &mut Vec<String>) {
        let Some(entries) = errors.as_object() else {
            return;
        };
        for (name, inner) in entries {
            if name == "_errors" {
                let messages = inner.as_array().into_iter().flatten();
                for message in messages.filter_map(|one| one["message"].as_str()) {
                    found.push(format!("{place}: {message}"));
                }
            } else if place.is_empty() {
                collect(inner, name, found);
            } else {
                collect(inner, &format!("{place}.{name}"), found);
            }
        }
    }
    let mut found = Vec::new();
    collect(errors, "", &mut found);
    if found.is_empty() {
        String::new()
    } else {
        format!(" ({})", found.join("; "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(status: u16, body: &Json) -> Response {
        Response {
            status,
            url: API.to_owned(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            length: 0,
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let fault = |status, body| understood("POST", "/x", &answer(status, &body)).unwrap_err();
        let code = |code: u32| serde_json::json!({ "code": code, "message": "words" });
        let denied = fault(403, code(50_013));
        assert_eq!(denied.kind, FaultKind::Denied);
        assert_eq!(denied.code.as_deref(), Some("50013"));
        assert!(denied.hint.unwrap().contains("Embed Links"));
        assert_eq!(fault(404, code(10_003)).kind, FaultKind::NotFound);
        assert_eq!(fault(401, code(0)).kind, FaultKind::Credentials);
        let throttled = fault(429, code(0));
        assert!(throttled.retryable && throttled.kind == FaultKind::Throttled);
        assert!(fault(502, Json::Null).retryable);
        let form = serde_json::json!({
            "code": 50_035, "message": "Invalid Form Body",
            "errors": { "embeds": { "0": { "title": { "_errors": [{ "message": "Too long." }] } } } },
        });
        assert_eq!(
            fault(400, form).message,
            "Discord does not take it: Invalid Form Body (embeds.0.title: Too long.)"
        );
    }

    #[test]
    fn things_are_meant_by_id_or_name() {
        let channel = Named {
            id: "17".to_owned(),
            name: "Status".to_owned(),
        };
        assert!(channel.is("17") && channel.is("#status") && !channel.is("1"));
        assert!(!Named::default().is(" "));
    }
}
