//! The embedded cloud's Discord: what the bot says goes to its outbox, and a bot on a
//! simulated host hears what is said to it (`opsh local say`). To any other nobody says
//! anything, unless a file of events has it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use opsh_cloud::Visitor;
use opsh_cloud::discord::{GUILD, NAME};
use opsh_cloud::talk::Said;
use opsh_operation::{Fault, FaultKind, Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

use super::doors::Doors;
use super::wait;
use crate::world::Cancel;
use crate::world::discord::{
    API, Discord, Heard, Message, Named, TOKEN, Wanted, no_token, understood,
};
use crate::world::http::Response;

/// How long an exchange takes in virtual time.
const LATENCY: Duration = Duration::from_millis(20);
/// What the embedded Discord takes as a token where none is needed; it is no secret.
const ANY_TOKEN: &str = "of-the-embedded-discord";

pub(super) struct Embedded<D> {
    doors: D,
    /// The environment of the service on a simulated host that it is.
    service: Option<BTreeMap<String, String>>,
}

impl<D: Doors> Embedded<D> {
    pub fn new(doors: D) -> Self {
        Self {
            doors,
            service: None,
        }
    }

    /// The same for a service on a simulated host, which needs a token as on a real one.
    pub fn of_service(doors: D, environment: &BTreeMap<String, String>) -> Self {
        Self {
            doors,
            service: Some(environment.clone()),
        }
    }
}

impl<D: Doors> Discord for Embedded<D> {
    fn token(&self) -> Result<Secret, Fault> {
        let Some(environment) = &self.service else {
            return Ok(Secret::new(ANY_TOKEN));
        };
        match environment.get(TOKEN).map(|token| token.trim()) {
            Some(token) if !token.is_empty() => Ok(Secret::new(token)),
            _ => Err(no_token()),
        }
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Json>,
        cancel: &Cancel,
    ) -> Result<Json, Fault> {
        let token = self.token()?;
        wait(self.doors.clock(), LATENCY, cancel)?;
        let body = body.map(Json::to_string).unwrap_or_default();
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{API}{path}"))
            .header("authorization", format!("Bot {}", token.reveal()))
            .body(Bytes::from(body))
            .map_err(|error| Fault::new(FaultKind::Invalid, format!("{path}: {error}")))?;
        let answer = self
            .doors
            .visit(&Visitor::default(), request)
            .map_err(|why| {
                Fault::new(
                    FaultKind::Unreachable,
                    format!("Discord does not answer: {why}"),
                )
            })?;
        let answer = Response {
            status: answer.status().as_u16(),
            url: format!("{API}{path}"),
            headers: Vec::new(),
            length: answer.body().len() as u64,
            body: answer.into_body().to_vec(),
        };
        understood(method, path, &answer)
    }

    /// Its channels have no ids beside their names.
    fn channel(&self, word: &str, _: &Cancel) -> Result<String, Fault> {
        let name = word.trim_start_matches('#');
        if name.trim().is_empty() {
            return Err(Fault::new(
                FaultKind::Invalid,
                "a channel has a name or an id",
            ));
        }
        Ok(utf8_percent_encode(name, NON_ALPHANUMERIC).to_string())
    }

    fn listen(
        &self,
        wanted: Wanted,
        hear: &mut dyn FnMut(Heard),
        cancel: &Cancel,
    ) -> Result<(), Fault> {
        let mut known = self.doors.said();
        hear(Heard::Connected(NAME.to_owned()));
        let stop = || cancel.reason().is_some();
        while let Ok(new) = self.doors.hear(known, &stop) {
            known += new.len();
            let heard = new.iter().filter(|said| wanted.direct || !said.direct);
            heard.for_each(|said| hear(Heard::Message(Box::new(message(said)))));
        }
        Ok(())
    }
}

fn message(said: &Said) -> Message {
    let named = |word: &String| Named {
        id: word.clone(),
        name: word.clone(),
    };
    Message {
        id: said.id.clone(),
        channel: named(&said.channel),
        parent: None,
        guild: (!said.direct).then(|| GUILD.to_owned()),
        author: named(&said.author),
        roles: said.roles.iter().map(named).collect(),
        content: said.content.clone(),
        to_bot: said.to_bot,
        mentions: said.mentions.iter().map(named).collect(),
        at: Some(said.at),
    }
}
