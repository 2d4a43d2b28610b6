//! The REST API: who am I, where is the gateway, which channels are there, say something.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use super::super::request::Request;
use super::{BOT, CHANNELS, Shared, State, TOKEN};

/// How a request to write a message is answered, if not well.
#[derive(Clone)]
pub enum Answer {
    /// Well, with so many left and this long until there are more again.
    Left(u32, f64),
    /// Too early, for this channel.
    Early(f64),
    /// Too early, for everything.
    EarlyForAll(f64),
    /// Too early, says something before Discord that knows no JSON.
    EarlySaysTheProxy(u32),
    /// With this status and Discord's code.
    Refused(u16, u32),
    /// It is done, but the connection breaks before the answer.
    Lost,
}

/// Answers; whether the connection goes on.
pub fn answer(stream: &TcpStream, request: &Request, shared: &Shared) -> std::io::Result<bool> {
    let known = request.headers.get("authorization");
    if known.is_none_or(|token| *token != format!("Bot {TOKEN}")) {
        let words = json!({ "message": "401: Unauthorized", "code": 0 });
        return write(stream, 401, &[], &words.to_string());
    }
    let path = request.path.strip_prefix("/api/v10").unwrap_or_default();
    let channel = path
        .strip_prefix("/channels/")
        .and_then(|rest| rest.strip_suffix("/messages"));
    let mut state = shared.state.lock().unwrap();
    if let ("POST", Some(channel)) = (request.method.as_str(), channel) {
        let done = message(&mut state, stream, channel, &request.body);
        shared.changed.notify_all();
        return done;
    }
    let body = match path {
        "/gateway/bot" => json!({
            "url": format!("ws://127.0.0.1:{}/gateway", shared.port), "shards": 1,
            "session_start_limit": {
                "total": 1000, "remaining": state.remaining, "reset_after": 14_400_000,
                // With 0 nobody waits five seconds between introductions.
                "max_concurrency": 0,
            },
        }),
        "/users/@me" => json!({ "id": BOT, "username": "opsh", "bot": true }),
        "/users/@me/guilds" => json!([{ "id": "1", "name": "Example" }]),
        "/guilds/1/channels" => CHANNELS
            .iter()
            .map(|(id, name)| json!({ "id": id, "name": name, "type": 0 }))
            .collect(),
        _ => {
            let words = json!({ "message": "404: Not Found", "code": 0 });
            return write(stream, 404, &[], &words.to_string());
        }
    };
    write(stream, 200, &[], &body.to_string())
}

fn message(
    state: &mut State,
    stream: &TcpStream,
    channel: &str,
    body: &[u8],
) -> std::io::Result<bool> {
    let answer = state.answers.pop_front().unwrap_or(Answer::Left(4, 1.0));
    let bucket = |left: u32, reset: f64| {
        [
            "X-RateLimit-Bucket: 80c17d2f203122d936070c88c8d10f33".to_owned(),
            "X-RateLimit-Limit: 5".to_owned(),
            format!("X-RateLimit-Remaining: {left}"),
            format!("X-RateLimit-Reset-After: {reset}"),
        ]
    };
    let early = |wait: f64, global: bool| {
        json!({ "message": "You are being rate limited.", "retry_after": wait, "global": global })
            .to_string()
    };
    if !matches!(answer, Answer::Left(..) | Answer::Lost) {
        state.refused += 1;
    }
    match answer {
        Answer::Left(left, reset) => {
            let sent = keep(state, channel, body).to_string();
            write(stream, 200, &bucket(left, reset), &sent)
        }
        Answer::Lost => {
            keep(state, channel, body);
            Ok(false)
        }
        Answer::Early(wait) => {
            let mut headers = bucket(0, wait).to_vec();
            headers.push("X-RateLimit-Scope: user".to_owned());
            headers.push(format!("Retry-After: {}", wait.ceil()));
            write(stream, 429, &headers, &early(wait, false))
        }
        Answer::EarlyForAll(wait) => {
            let headers = [
                "X-RateLimit-Global: true".to_owned(),
                "X-RateLimit-Scope: global".to_owned(),
                format!("Retry-After: {}", wait.ceil()),
            ];
            write(stream, 429, &headers, &early(wait, true))
        }
        Answer::EarlySaysTheProxy(seconds) => {
            let headers = [format!("Retry-After: {seconds}")];
            write(stream, 429, &headers, "<html>error code: 1015</html>")
        }
        Answer::Refused(status, code) => {
            let words = json!({ "message": "refused", "code": code });
            write(stream, status, &[], &words.to_string())
        }
    }
}

/// Keeps a message, unless its nonce says that it is there already.
fn keep(state: &mut State, channel: &str, body: &[u8]) -> Value {
    let mut message: Value = serde_json::from_slice(body).unwrap();
    let same = |other: &&Value| {
        message["enforce_nonce"] == true
            && other["nonce"] == message["nonce"]
            && other["channel_id"] == channel
    };
    if let Some(before) = state.messages.iter().find(same) {
        return before.clone();
    }
    message["channel_id"] = channel.into();
    message["id"] = format!("8{:018}", state.messages.len() + 1).into();
    state.messages.push(message.clone());
    state.times.push(Instant::now());
    message
}

fn write(
    mut stream: &TcpStream,
    status: u16,
    headers: &[String],
    body: &str,
) -> std::io::Result<bool> {
    let headers = [headers, &[String::new()]].concat().join("\r\n");
    write!(
        stream,
        "HTTP/1.1 {status} As-It-Is\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(true)
}
