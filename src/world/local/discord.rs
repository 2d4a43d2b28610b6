//! The embedded cloud's Discord: what the bot says goes to its outbox; nobody is there who
//! would say anything, unless a file of events has it.

use std::time::Duration;

use bytes::Bytes;
use opsh_cloud::Visitor;
use opsh_operation::{Fault, FaultKind, Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

use super::doors::Doors;
use super::wait;
use crate::world::Cancel;
use crate::world::discord::{API, Discord, Heard, Wanted, understood};
use crate::world::http::Response;

/// How long an exchange takes in virtual time.
const LATENCY: Duration = Duration::from_millis(20);
/// What the embedded Discord takes as a token; it is no secret.
const TOKEN: &str = "of-the-embedded-discord";

pub(super) struct Embedded<D>(pub D);

impl<D: Doors> Discord for Embedded<D> {
    fn token(&self) -> Result<Secret, Fault> {
        Ok(Secret::new(TOKEN))
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Json>,
        cancel: &Cancel,
    ) -> Result<Json, Fault> {
        wait(self.0.clock(), LATENCY, cancel)?;
        let body = body.map(Json::to_string).unwrap_or_default();
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{API}{path}"))
            .header("authorization", format!("Bot {TOKEN}"))
            .body(Bytes::from(body))
            .map_err(|error| Fault::new(FaultKind::Invalid, format!("{path}: {error}")))?;
        let answer = self.0.visit(&Visitor::default(), request).map_err(|why| {
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

    /// It is quiet there.
    fn listen(&self, _: Wanted, _: &mut dyn FnMut(Heard), _: &Cancel) -> Result<(), Fault> {
        Ok(())
    }
}
