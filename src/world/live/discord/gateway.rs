//! The connection over which Discord says what happens.
//!
//! `twilight` speaks the protocol (hello, identify, heartbeats, resume, invalid sessions);
//! here is what it leaves open: where a token may be sent, what is fatal and what to do
//! about it, and that a gateway that hangs up at once is not called again at once.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use opsh_operation::{Fault, FaultKind, Secret};
use serde_json::Value as Json;
use twilight_gateway::error::{ReceiveMessageError, ReceiveMessageErrorType};
use twilight_gateway::queue::InMemoryQueue;
use twilight_gateway::{
    CloseFrame, ConfigBuilder, Intents, Message, Session, Shard, ShardId, ShardState,
};

use super::event::Reader;
use super::token::is_safe;
use crate::world::Cancel;
use crate::world::discord::{Heard, Wanted, refused_token};

/// How often is looked whether it is enough.
const TURN: Duration = Duration::from_millis(25);
/// A connection that was lost sooner than this was hardly one.
const BRIEF: Duration = Duration::from_secs(10);
/// Longer than it takes to get in.
const LONG: Duration = Duration::from_secs(10);
/// How long nothing is done between two turns then.
const SLOWLY: Duration = Duration::from_secs(1);
/// The longest pause before another connection.
const LONGEST: Duration = Duration::from_mins(1);
/// For how long a goodbye is waited for.
const GOODBYE: Duration = Duration::from_millis(500);

/// Where the gateway is, and how often a bot may introduce itself there.
#[derive(Debug)]
pub(super) struct Entrance {
    url: String,
    concurrency: u16,
    remaining: u32,
    total: u32,
    reset: Duration,
}

impl Entrance {
    /// What `GET /gateway/bot` says.
    ///
    /// # Errors
    /// It is no place for a token; the bot has introduced itself too often.
    pub fn of(answer: &Json) -> Result<Self, Fault> {
        let url = answer["url"].as_str().unwrap_or_default();
        if !is_safe(url, "wss", "ws") {
            return Err(Fault::new(
                FaultKind::Failed,
                format!("Discord names a gateway that no token is sent to: '{url}'"),
            ));
        }
        let limit = &answer["session_start_limit"];
        let number = |name: &str, otherwise: u64| limit[name].as_u64().unwrap_or(otherwise);
        let total = u32::try_from(number("total", 1_000)).unwrap_or(u32::MAX);
        let remaining = u32::try_from(number("remaining", 1_000)).unwrap_or(u32::MAX);
        let reset = Duration::from_millis(number("reset_after", 0));
        if remaining == 0 {
            return Err(Fault::new(
                FaultKind::Throttled,
                format!(
                    "the bot has connected too often: Discord lets it connect again in {}",
                    humantime::format_duration(Duration::from_secs(reset.as_secs() + 1))
                ),
            )
            .hint("find out what restarts it so often"));
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            concurrency: u16::try_from(number("max_concurrency", 1)).unwrap_or(1),
            remaining,
            total: total.max(remaining),
            reset,
        })
    }
}

/// Tells `hear` what is said, until it is cancelled.
pub(super) fn listen(
    entrance: &Entrance,
    token: &Secret,
    wanted: Wanted,
    hear: &mut dyn FnMut(Heard),
    cancel: &Cancel,
) -> Result<(), Fault> {
    // One that is there already does as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(FaultKind::Failed, format!("no executor: {error}")))?;
    runtime.block_on(async {
        let line = Line {
            entrance,
            token,
            wanted,
        };
        line.listen(hear, cancel).await
    })
}

/// What is needed to connect.
struct Line<'a> {
    entrance: &'a Entrance,
    token: &'a Secret,
    wanted: Wanted,
}

impl Line<'_> {
    fn shard(&self, session: Option<Session>) -> Shard {
        let mut intents = Intents::GUILDS | Intents::GUILD_MESSAGES | Intents::MESSAGE_CONTENT;
        if self.wanted.direct {
            intents |= Intents::DIRECT_MESSAGES;
        }
        let entrance = self.entrance;
        let queue = InMemoryQueue::new(
            entrance.concurrency,
            entrance.remaining,
            entrance.reset,
            entrance.total,
        );
        let mut config = ConfigBuilder::new(self.token.reveal().to_owned(), intents)
            .proxy_url(entrance.url.clone())
            .queue(queue);
        if let Some(session) = session {
            config = config.session(session);
        }
        Shard::with_config(ShardId::ONE, config.build())
    }

    async fn listen(&self, hear: &mut dyn FnMut(Heard), cancel: &Cancel) -> Result<(), Fault> {
        let mut reader = Reader::default();
        let mut shard = self.shard(None);
        let mut patience = Patience::new();
        loop {
            // In turns: what is lost without a word is made again inside of `next`.
            let item = tokio::time::timeout(TURN, shard.next()).await;
            if cancel.reason().is_some() {
                part(&mut shard).await;
                return Ok(());
            }
            let pause = match item {
                Err(_) => patience.turn(shard.state()),
                Ok(Some(Ok(Message::Text(frame)))) => match reader.read(&frame) {
                    Ok(Some(heard)) => {
                        patience.there(&heard, hear);
                        hear(heard);
                        Duration::ZERO
                    }
                    Ok(None) if reader.was_greeted() => patience.greeted(),
                    Ok(None) => Duration::ZERO,
                    Err(why) => {
                        hear(Heard::Odd(why));
                        Duration::ZERO
                    }
                },
                Ok(Some(Ok(Message::Close(frame)))) => {
                    if shard.state() == ShardState::FatallyClosed {
                        return Err(fatal(frame.as_ref()));
                    }
                    patience.lost(words(frame.as_ref()), hear)
                }
                Ok(Some(Err(error))) => match misfortune(&error) {
                    Ok(why) => patience.lost(why, hear),
                    Err(what) => {
                        hear(Heard::Odd(what));
                        Duration::ZERO
                    }
                },
                // It has closed for good, and said why before.
                Ok(None) => return Err(fatal(None)),
            };
            // At once: it would be used as soon as the connection is lost.
            if shard
                .resume_url()
                .is_some_and(|url| !is_safe(url, "wss", "ws"))
            {
                hear(Heard::Odd("READY: its resume_gateway_url".to_owned()));
                shard = self.shard(shard.session().cloned());
            }
            if !pause.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = cancelled(cancel) => {}
                }
            }
        }
    }
}

/// How the connection goes: whether it is there, and how soon it was lost again.
struct Patience {
    there: bool,
    /// The loss has been told.
    told: bool,
    greeted: Option<Instant>,
    /// There was a greeting since the last loss.
    fresh: bool,
    /// Greetings and losses that came too soon after each other.
    brief: u32,
    /// Since when it has not been there.
    since: Instant,
}

impl Patience {
    fn new() -> Self {
        Self {
            there: false,
            told: true,
            greeted: None,
            fresh: false,
            brief: 0,
            since: Instant::now(),
        }
    }

    /// Nothing has come for a while.
    fn turn(&mut self, state: ShardState) -> Duration {
        let there = state.is_identified();
        if there || self.there {
            self.since = Instant::now();
        }
        self.there = there;
        // Somebody takes calls and hangs up again before a word.
        if !there && self.since.elapsed() > LONG {
            return SLOWLY;
        }
        Duration::ZERO
    }

    /// The bot is there, or again; a loss of which nothing was heard is told first.
    fn there(&mut self, heard: &Heard, hear: &mut dyn FnMut(Heard)) {
        match heard {
            Heard::Resumed if !self.told => hear(Heard::Lost("the connection broke".to_owned())),
            Heard::Connected(_) | Heard::Resumed => {}
            _ => return,
        }
        self.told = false;
    }

    /// How long to wait before the bot introduces itself: not at all at first, then twice
    /// as long each time.
    fn greeted(&mut self) -> Duration {
        let before = self.greeted.replace(Instant::now());
        self.fresh = true;
        if before.is_some_and(|before| before.elapsed() < BRIEF) {
            self.brief += 1;
        } else {
            self.brief = 0;
        }
        self.pause()
    }

    /// How long to wait after a loss.
    fn lost(&mut self, why: String, hear: &mut dyn FnMut(Heard)) -> Duration {
        if !std::mem::replace(&mut self.told, true) || !self.fresh {
            hear(Heard::Lost(why));
        }
        if std::mem::take(&mut self.fresh) {
            return Duration::ZERO;
        }
        self.brief += 1;
        self.pause()
    }

    fn pause(&self) -> Duration {
        match self.brief {
            0 | 1 => Duration::ZERO,
            times => Duration::from_millis(500)
                .saturating_mul(2_u32.saturating_pow(times - 2))
                .min(LONGEST),
        }
    }
}

/// Says goodbye, so that the bot is shown as gone.
async fn part(shard: &mut Shard) {
    shard.close(CloseFrame::NORMAL);
    let farewell = async {
        while let Some(item) = shard.next().await {
            if !matches!(item, Ok(Message::Text(_))) {
                return;
            }
        }
    };
    // Whether anybody answers does not matter.
    let _ = tokio::time::timeout(GOODBYE, farewell).await;
}

async fn cancelled(cancel: &Cancel) {
    while cancel.reason().is_none() {
        tokio::time::sleep(Cancel::PATIENCE / 2).await;
    }
}

fn words(frame: Option<&CloseFrame<'_>>) -> String {
    match frame {
        None => "the gateway hung up".to_owned(),
        Some(frame) if frame.code == 1_006 => "the connection broke".to_owned(),
        Some(frame) if frame.code == CloseFrame::RESUME.code => {
            "Discord wants the bot to connect again".to_owned()
        }
        Some(frame) => format!("the gateway hung up ({} {})", frame.code, frame.reason),
    }
}

/// Why there is no connection; or what could not be understood.
fn misfortune(error: &ReceiveMessageError) -> Result<String, String> {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error.kind() {
        ReceiveMessageErrorType::Reconnect => {
            Ok(format!("the gateway cannot be reached: {innermost}"))
        }
        _ => Err(format!("a frame of the gateway: {innermost}")),
    }
}

/// Why Discord will not have the bot, however often it tries.
///
/// [Close codes](https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes).
fn fatal(frame: Option<&CloseFrame<'_>>) -> Fault {
    let Some(frame) = frame else {
        return Fault::new(FaultKind::Failed, "Discord's gateway has closed for good");
    };
    let code = frame.code;
    let fault = match code {
        4_004 => refused_token(),
        4_013 | 4_014 => Fault::new(
            FaultKind::Denied,
            "Discord does not let this bot read messages: its Message Content intent is off",
        )
        .hint(
            "switch it on in Discord's developer portal: your application, Bot, Privileged \
             Gateway Intents, Message Content Intent",
        ),
        4_011 => Fault::new(
            FaultKind::Invalid,
            "the bot is on too many servers for one connection",
        )
        .hint("remove it from servers where nobody needs it: opsh does not shard"),
        code => Fault::new(
            FaultKind::Failed,
            format!(
                "Discord's gateway has closed for good: {code} {}",
                frame.reason
            ),
        ),
    };
    fault.code(code.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_entrance_is_read_and_an_unsafe_one_refused() {
        let limit =
            serde_json::json!({ "total": 1000, "remaining": 999, "reset_after": 14_400_000 });
        let entrance = Entrance::of(&serde_json::json!({
            "url": "wss://gateway.discord.gg/", "shards": 1, "session_start_limit": limit,
        }))
        .unwrap();
        assert_eq!(entrance.url, "wss://gateway.discord.gg");
        assert_eq!((entrance.concurrency, entrance.remaining), (1, 999));
        let unsafe_one = Entrance::of(&serde_json::json!({ "url": "ws://example.com" }));
        assert!(unsafe_one.unwrap_err().message.contains("ws://example.com"));
        let spent = Entrance::of(&serde_json::json!({
            "url": "wss://g", "session_start_limit": { "remaining": 0, "reset_after": 60_000 },
        }));
        assert_eq!(spent.unwrap_err().kind, FaultKind::Throttled);
    }

    #[test]
    fn a_gateway_that_hangs_up_at_once_is_called_ever_later() {
        let mut patience = Patience::new();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            pauses.push(patience.greeted().as_millis());
            assert_eq!(patience.lost(String::new(), &mut |_| {}), Duration::ZERO);
        }
        assert_eq!(pauses, [0, 0, 500, 1_000, 2_000, 4_000]);
        for _ in 0..40 {
            patience.greeted();
        }
        assert_eq!(patience.greeted(), LONGEST);
        patience.greeted = Instant::now().checked_sub(BRIEF);
        assert_eq!(patience.greeted(), Duration::ZERO);
        // Those that do not even greet are treated alike.
        patience.fresh = false;
        let mut lost = || patience.lost(String::new(), &mut |_| {}).as_millis();
        assert_eq!([lost(), lost(), lost()], [0, 500, 1_000]);
    }

    #[test]
    fn a_loss_is_told_once() {
        let mut patience = Patience::new();
        let mut told = Vec::new();
        let mut hear = |heard: Heard| told.push(heard);
        patience.there(&Heard::Connected("opsh".to_owned()), &mut hear);
        patience.greeted();
        patience.lost("asked to".to_owned(), &mut hear);
        patience.there(&Heard::Resumed, &mut hear);
        // This one was lost without a word.
        patience.there(&Heard::Resumed, &mut hear);
        let lost = |why: &str| Heard::Lost(why.to_owned());
        assert_eq!(told, [lost("asked to"), lost("the connection broke")]);
    }

    #[test]
    fn fatal_closes_say_which_switch_to_set() {
        let fault = |code| fatal(Some(&CloseFrame::new(code, "words")));
        assert_eq!(fault(4_004).kind, FaultKind::Credentials);
        assert!(
            fault(4_014)
                .hint
                .unwrap()
                .contains("Message Content Intent")
        );
        assert!(fault(4_012).message.ends_with("4012 words"));
    }
}
