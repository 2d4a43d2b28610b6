//! The real Discord: its REST API over the world's HTTP, its gateway by `twilight`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opsh_operation::{Fault, FaultKind, Secret, suggest};
use serde_json::Value as Json;

use super::ConnectTo;
use crate::world::discord::{Discord, Heard, Wanted, understood};
use crate::world::http::{Request, Response, Transport};
use crate::world::{Cancel, live::http};

mod event;
mod gateway;
mod limits;
mod names;
mod token;

use limits::Limits;

/// For one exchange.
const TIMEOUT: Duration = Duration::from_secs(15);
/// An answer is smaller than this.
const LARGEST: u64 = 8 * 1024 * 1024;
/// How long is waited after an exchange that failed: a message has a nonce, a question
/// changes nothing.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// Beyond this nobody waits for a limit: the playbook is told.
const PATIENCE: Duration = Duration::from_mins(1);
/// Who we say we are, as Discord wants it.
const USER_AGENT: &str = concat!("DiscordBot (opsh, ", env!("CARGO_PKG_VERSION"), ")");

/// Talks to Discord.
pub(super) struct Client {
    http: http::Client,
    limits: Limits,
    /// The ids of channels by their names, as far as they were looked up.
    channels: Mutex<Option<BTreeMap<String, Vec<String>>>>,
}

impl Client {
    /// Redirects connections as `connect_to` says.
    pub fn new(connect_to: Vec<ConnectTo>) -> Self {
        Self {
            http: http::Client::new(connect_to),
            limits: Limits::default(),
            channels: Mutex::default(),
        }
    }

    /// Waits until a request may leave on `route`.
    fn enter(&self, route: &str, cancel: &Cancel) -> Result<(), Fault> {
        let begun = Instant::now();
        loop {
            cancel.check()?;
            let Err(wait) = self.limits.enter(route, Instant::now()) else {
                return Ok(());
            };
            if begun.elapsed() + wait > PATIENCE {
                return Err(throttled(wait));
            }
            cancel.wait(wait)?;
        }
    }

    /// One exchange, again where it was refused for being too early or came to nothing.
    fn exchange(&self, route: &str, request: &Request, cancel: &Cancel) -> Result<Response, Fault> {
        let mut pauses = PAUSES.iter();
        let mut waited = Duration::ZERO;
        loop {
            self.enter(route, cancel)?;
            let answer = self.http.send(request, cancel);
            let again = match &answer {
                Ok(answer) => {
                    if let Some(wait) = self.limits.learn(route, answer, Instant::now()) {
                        waited += wait;
                        if waited > PATIENCE {
                            return Err(throttled(wait));
                        }
                        continue;
                    }
                    answer.status >= 500
                }
                Err(fault) => matches!(fault.kind, FaultKind::Unreachable | FaultKind::Timeout),
            };
            match pauses.next() {
                Some(pause) if again => cancel.wait(*pause)?,
                _ => return answer,
            }
        }
    }

    /// The text channels of every server that the bot is on.
    fn look_up(&self, cancel: &Cancel) -> Result<BTreeMap<String, Vec<String>>, Fault> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let guilds = self.ask("GET", "/users/@me/guilds", None, cancel)?;
        let ids = |list: &Json| -> Vec<(String, String)> {
            let items = list.as_array().into_iter().flatten();
            let text = |value: &Json| value.as_str().map(str::to_owned);
            items
                .filter_map(|item| Some((text(&item["id"])?, text(&item["name"])?)))
                .collect()
        };
        for (guild, _) in ids(&guilds) {
            let channels = self.ask("GET", &format!("/guilds/{guild}/channels"), None, cancel)?;
            for (id, name) in ids(&channels) {
                found.entry(name.to_lowercase()).or_default().push(id);
            }
        }
        Ok(found)
    }
}

impl Discord for Client {
    fn token(&self) -> Result<Secret, Fault> {
        token::token()
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Json>,
        cancel: &Cancel,
    ) -> Result<Json, Fault> {
        let token = token::token()?;
        let mut headers = vec![
            (
                "authorization".to_owned(),
                format!("Bot {}", token.reveal()),
            ),
            ("user-agent".to_owned(), USER_AGENT.to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = Request {
            method: method.to_owned(),
            url: format!("{}{path}", token::api()?),
            headers,
            body: body
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
            timeout: TIMEOUT,
            redirects: 0,
            limit: LARGEST,
            download_to: None,
        };
        let answer = self.exchange(&format!("{method} {path}"), &request, cancel)?;
        understood(method, path, &answer)
    }

    fn channel(&self, word: &str, cancel: &Cancel) -> Result<String, Fault> {
        let name = word.trim_start_matches('#').to_lowercase();
        if !name.is_empty() && name.chars().all(|letter| letter.is_ascii_digit()) {
            return Ok(name);
        }
        let known = self
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let known = match known.filter(|known| known.contains_key(&name)) {
            Some(known) => known,
            None => self.look_up(cancel)?,
        };
        let answer = match known.get(&name).map(Vec::as_slice) {
            Some([id]) => Ok(id.clone()),
            Some(several) => Err(Fault::new(
                FaultKind::Invalid,
                format!("{} channels are called '{name}'", several.len()),
            )
            .hint("give the channel's id")),
            None => {
                let names = known.keys().map(String::as_str);
                let near = suggest::did_you_mean(&name, names);
                Err(Fault::new(
                    FaultKind::NotFound,
                    format!("the bot sees no channel '{name}'{near}"),
                )
                .hint("invite the bot to the server, or give the channel's id"))
            }
        };
        *self.channels.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        answer
    }

    fn listen(
        &self,
        wanted: Wanted,
        hear: &mut dyn FnMut(Heard),
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let token = token::token()?;
        let entrance = gateway::Entrance::of(&self.ask("GET", "/gateway/bot", None, cancel)?)?;
        gateway::listen(&entrance, &token, wanted, hear, cancel)
    }
}

fn throttled(wait: Duration) -> Fault {
    let mut fault = Fault::new(
        FaultKind::Throttled,
        format!(
            "Discord wants this bot to wait for {}",
            humantime::format_duration(Duration::from_secs(wait.as_secs() + 1))
        ),
    )
    .hint("say less, or wait");
    fault.retryable = true;
    fault
}
