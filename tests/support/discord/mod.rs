//! A Discord made for the tests: gateway and REST API on one loopback port.
//!
//! By itself it behaves as Discord does; the test says what goes wrong.

use std::collections::VecDeque;
use std::io::BufReader;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::request::Request;

mod frame;
mod gateway;
mod rest;

pub use rest::Answer;

/// The only token that it knows.
pub const TOKEN: &str = "MTEwMDAwMDAwMDAwMDAwMDAwMQ.test.q1w2e3r4t5z6u7i8o9p0";
/// The id of the bot.
pub const BOT: &str = "1100000000000000001";
/// Channels by name.
pub const CHANNELS: [(&str, &str); 3] = [("17", "status"), ("18", "help"), ("19", "random")];
/// Roles by name.
pub const ROLES: [(&str, &str); 2] = [("5", "engineering"), ("6", "customer-success")];

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server; it lasts as long as the test process.
pub struct Discord {
    /// What belongs into `DISCORD_API_URL`.
    pub url: String,
    shared: Arc<Shared>,
}

/// What its connections share.
pub struct Shared {
    port: u16,
    state: Mutex<State>,
    changed: Condvar,
}

/// Everything that has happened, and how it behaves.
pub struct State {
    /// Milliseconds between heartbeats.
    pub heartbeat: u64,
    /// Whether heartbeats are acknowledged.
    pub acknowledges: bool,
    /// The code with which a bot that introduces itself is sent away.
    pub turns_away: Option<u16>,
    /// What READY says about resuming, if not the truth.
    pub resume_url: Option<String>,
    /// How the next requests to write messages are answered, before all goes well again.
    pub answers: VecDeque<Answer>,
    /// How many introductions are left.
    pub remaining: u32,
    /// What the bot has done on the gateway: `identify`, `resume 3`, `heartbeat`, `close 1000`.
    pub seen: Vec<String>,
    /// What the bot has written, as it came.
    pub messages: Vec<Value>,
    /// When each of them came.
    pub times: Vec<Instant>,
    /// Requests to write that were answered with something else than success.
    pub refused: usize,
    sequence: u64,
    sessions: u64,
    history: Vec<(u64, String)>,
    connection: Option<TcpStream>,
}

impl Discord {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            port,
            changed: Condvar::new(),
            state: Mutex::new(State {
                heartbeat: 41_250,
                acknowledges: true,
                turns_away: None,
                resume_url: None,
                answers: VecDeque::new(),
                remaining: 999,
                seen: Vec::new(),
                messages: Vec::new(),
                times: Vec::new(),
                refused: 0,
                sequence: 0,
                sessions: 0,
                history: Vec::new(),
                connection: None,
            }),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                // Connections that break are what is tested.
                std::thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}/api/v10"),
            shared,
        }
    }

    /// Its state, to be changed.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Waits until `holds` gives something.
    pub fn until<T>(&self, what: &str, holds: impl Fn(&State) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some(found) = holds(&state) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{what} does not happen\nseen: {:?}\nmessages: {:#?}",
                state.seen,
                state.messages
            );
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits until the bot has done `what` so often.
    pub fn until_seen(&self, what: &str, times: usize) {
        self.until(&format!("{what}, {times} times"), |state| {
            let count = state
                .seen
                .iter()
                .filter(|seen| seen.starts_with(what))
                .count();
            (count >= times).then_some(())
        });
    }

    /// Waits for the bot's `count`-th message.
    pub fn message(&self, count: usize) -> Value {
        self.until(&format!("message {count}"), |state| {
            state.messages.get(count - 1).cloned()
        })
    }

    /// Waits until the bot is there.
    pub fn until_there(&self) {
        self.until_seen("identify", 1);
    }

    /// A person says something in a channel.
    pub fn say(&self, channel: &str, content: &str) -> String {
        self.say_as(channel, content, &json!({}))
    }

    /// The same with other fields of the message.
    pub fn say_as(&self, channel: &str, content: &str, changes: &Value) -> String {
        let id = CHANNELS
            .iter()
            .find(|(_, name)| *name == channel)
            .unwrap()
            .0;
        let mut state = self.state();
        let message = format!("9{:018}", state.sequence + 1);
        let mut data = json!({
            "id": message, "channel_id": id, "guild_id": "1", "type": 0,
            "author": { "id": "7", "username": "ann", "global_name": "Ann" },
            "member": { "roles": ["6"] },
            "content": content, "mentions": [], "mention_roles": [], "mention_everyone": false,
            "timestamp": "2026-01-01T00:00:00.000000+00:00", "tts": false, "pinned": false,
            "attachments": [], "embeds": [],
        });
        for (name, value) in changes.as_object().unwrap() {
            data[name] = value.clone();
        }
        state.dispatch("MESSAGE_CREATE", &data);
        message
    }

    /// Sends a frame as it is.
    pub fn raw(&self, kind: u8, payload: &[u8]) {
        let state = self.state();
        frame::write(state.connection.as_ref().unwrap(), kind, payload).unwrap();
    }

    /// Sends an operation of the gateway, e.g. 7: connect again.
    pub fn operation(&self, op: u8, data: &Value) {
        let frame = json!({ "op": op, "d": data, "s": null, "t": null }).to_string();
        self.raw(frame::TEXT, frame.as_bytes());
    }

    /// Closes the connection with a code.
    pub fn close(&self, code: u16) {
        self.raw(frame::CLOSE, &frame::closing(code, "as the test wants"));
    }

    /// Breaks the connection.
    pub fn cut(&self) {
        let state = self.state();
        let connection = state.connection.as_ref().unwrap();
        connection.shutdown(Shutdown::Both).unwrap();
    }
}

impl State {
    /// Sends an event, or keeps it for who resumes.
    fn dispatch(&mut self, kind: &str, data: &Value) {
        self.sequence += 1;
        let frame = json!({ "op": 0, "s": self.sequence, "t": kind, "d": data }).to_string();
        self.history.push((self.sequence, frame.clone()));
        if let Some(connection) = &self.connection {
            // Whoever is gone gets it when resuming.
            let _ = frame::write(connection, frame::TEXT, frame.as_bytes());
        }
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        if let Some(key) = request.headers.get("sec-websocket-key") {
            return gateway::attend(stream, reader, key, shared);
        }
        if !rest::answer(stream, &request, shared)? {
            break;
        }
    }
    Ok(())
}

/// The value of a field of a message's first embed.
pub fn field<'a>(message: &'a Value, name: &str) -> &'a str {
    let fields = message["embeds"][0]["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["name"] == name).unwrap();
    field["value"].as_str().unwrap()
}
