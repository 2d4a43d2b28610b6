//! What an answer of the bot costs: from the moment a question leaves Discord's gateway to
//! the moment the answer has arrived at its REST API, both on this machine.
//!
//!     cargo bench --bench reply
//!     OPSH=target/release/opsh cargo bench --profile dev --bench reply    # a program that is there

#![allow(clippy::unwrap_used, dead_code)] // a measurement that cannot go on says where

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../tests/support/discord/mod.rs"]
mod discord;
#[path = "../tests/support/request.rs"]
mod request;

use discord::{Answer, Discord, TOKEN};

/// Questions that are measured, and those before them that are not.
const QUESTIONS: usize = 200;
const WARM_UP: usize = 20;
/// Discord takes fifty requests a second.
const PAUSE: Duration = Duration::from_millis(25);

fn main() {
    let server = Discord::start();
    let plenty = std::iter::repeat_n(Answer::Left(100_000, 1.0), 10_000);
    server.state().answers.extend(plenty);
    let home = tempfile::tempdir().unwrap();
    let playbook = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/chatbot.rhai");
    let program = std::env::var_os("OPSH").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_opsh")),
        |given| std::path::absolute(given).unwrap(),
    );
    let mut bot = Command::new(program)
        .args(["run", playbook, "namespace="])
        .current_dir(home.path())
        .env("DISCORD_API_URL", &server.url)
        .env("DISCORD_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    server.until_there();
    for question in ["hello world", "help"] {
        measure(&server, question);
    }
    bot.kill().unwrap();
    bot.wait().unwrap();
}

fn measure(server: &Discord, question: &str) {
    let mut times: Vec<Duration> = (0..WARM_UP + QUESTIONS)
        .map(|_| {
            std::thread::sleep(PAUSE);
            let count = server.state().messages.len();
            let asked = Instant::now();
            server.say("status", question);
            server.message(count + 1);
            server.state().times[count] - asked
        })
        .skip(WARM_UP)
        .collect();
    times.sort();
    println!(
        "an answer to '{question}': median {:.2?}, 95 of 100 within {:.2?}, worst {:.2?}",
        times[QUESTIONS / 2],
        times[QUESTIONS * 95 / 100],
        times[QUESTIONS - 1]
    );
}
