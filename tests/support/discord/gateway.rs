//! The gateway: hello, identify, heartbeats, resume.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::frame::{self, CLOSE, Said, TEXT};
use super::{BOT, CHANNELS, ROLES, Shared, State, TOKEN};

/// `GUILDS`, `GUILD_MESSAGES` and `MESSAGE_CONTENT`.
const INTENTS: u64 = 1 | 1 << 9 | 1 << 15;

/// Speaks with one client until it is gone.
pub fn attend(
    stream: &TcpStream,
    mut reader: BufReader<&TcpStream>,
    key: &str,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut writer = stream;
    write!(
        writer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        frame::accept(key)
    )?;
    let interval = shared.state.lock().unwrap().heartbeat;
    let hello = json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": interval } });
    frame::write(writer, TEXT, hello.to_string().as_bytes())?;
    loop {
        let said = frame::read(&mut reader)?;
        let mut state = shared.state.lock().unwrap();
        match said {
            Said::Close(code) => {
                state.seen.push(format!("close {code}"));
                state.connection = None;
                shared.changed.notify_all();
                // The answer to a goodbye; who has gone already does not hear it.
                let _ = frame::write(writer, CLOSE, &frame::closing(code, ""));
                return Ok(());
            }
            Said::Text(text) => {
                let said: Value = serde_json::from_str(&text).unwrap();
                answer(&mut state, stream, shared.port, &said)?;
                shared.changed.notify_all();
            }
        }
    }
}

fn answer(state: &mut State, stream: &TcpStream, port: u16, said: &Value) -> std::io::Result<()> {
    let data = &said["d"];
    let send = |value: Value| frame::write(stream, TEXT, value.to_string().as_bytes());
    let close = |code| frame::write(stream, CLOSE, &frame::closing(code, "as Discord does"));
    match said["op"].as_u64().unwrap() {
        1 => {
            state.seen.push(format!("heartbeat {data}"));
            if state.acknowledges {
                send(json!({ "op": 11 }))?;
            }
        }
        2 => {
            state.seen.push("identify".to_owned());
            if let Some(code) = state.turns_away {
                return close(code);
            }
            if data["token"] != format!("Bot {TOKEN}") && data["token"] != TOKEN {
                return close(4_004);
            }
            assert_eq!(data["intents"].as_u64().unwrap() & INTENTS, INTENTS);
            state.sessions += 1;
            state.sequence = 0;
            state.history.clear();
            state.connection = Some(stream.try_clone()?);
            let resume = state
                .resume_url
                .clone()
                .unwrap_or_else(|| format!("ws://127.0.0.1:{port}/resume"));
            let session = format!("session-{}", state.sessions);
            state.dispatch(
                "READY",
                &json!({
                    "v": 10, "user": { "id": BOT, "username": "opsh", "bot": true },
                    "guilds": [{ "id": "1", "unavailable": true }], "session_id": session,
                    "resume_gateway_url": resume, "application": { "id": BOT, "flags": 0 },
                }),
            );
            let named = |all: &[(&str, &str)]| -> Vec<Value> {
                let all = all.iter();
                all.map(|(id, name)| json!({ "id": id, "name": name, "type": 0 }))
                    .collect()
            };
            state.dispatch(
                "GUILD_CREATE",
                &json!({
                    "id": "1", "name": "Example", "channels": named(&CHANNELS),
                    "roles": named(&ROLES), "threads": [], "members": [],
                }),
            );
        }
        6 => {
            let from = data["seq"].as_u64().unwrap();
            state.seen.push(format!("resume {from}"));
            let known = format!("session-{}", state.sessions);
            if data["session_id"] != known {
                return send(json!({ "op": 9, "d": false }));
            }
            state.connection = Some(stream.try_clone()?);
            for (sequence, frame) in &state.history {
                if *sequence > from {
                    frame::write(stream, TEXT, frame.as_bytes())?;
                }
            }
            state.dispatch("RESUMED", &json!({}));
        }
        other => panic!("the bot sends operation {other}"),
    }
    Ok(())
}
