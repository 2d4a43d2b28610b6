//! A bot on Discord's gateway: what it answers, and how it comes back whatever happens to
//! the connection.

use std::fs;

use serde_json::{Value, json};

use crate::support::discord::{Discord, TOKEN};
use crate::support::opsh::User;
use crate::support::running::Running;

const ECHO: &str = r#"
discord::on_message(#{ channels: ["status"], roles: ["customer-success"] }, |message| {
    if message.text == "fail" { throw "as it was asked to"; }
    discord::reply(message, `${message.author.name} in ${message.channel}: ${message.text}`);
});
discord::on_message(#{ channels: ["random"], mentions: ["engineering"] }, |message| {
    discord::send("status", `still asked: ${message.mentions}`);
});
print(text::json_encode(run_forever()));
"#;

struct Bot {
    discord: Discord,
    opsh: Running,
}

impl Bot {
    /// A bot that is there; `change` says how Discord behaves.
    fn start(change: impl FnOnce(&Discord)) -> Self {
        let discord = Discord::start();
        change(&discord);
        let bot = Self {
            opsh: started(&discord),
            discord,
        };
        bot.discord.until_there();
        bot
    }

    /// Somebody asks; the bot's next answer.
    fn asks(&self, content: &str) -> Value {
        let count = self.discord.state().messages.len();
        self.discord.say("status", content);
        self.discord.message(count + 1)
    }

    /// Stops it: what it said and how its service went.
    fn stop(mut self) -> (String, Value) {
        self.opsh.interrupt();
        let ended = self.opsh.stopped().ended.done();
        let summary = serde_json::from_str(ended.out.lines().last().unwrap()).unwrap();
        (ended.err, summary)
    }
}

fn started(discord: &Discord) -> Running {
    let user = User::new()
        .with("DISCORD_API_URL", &discord.url)
        .with("DISCORD_TOKEN", TOKEN);
    fs::write(user.home().join("bot.rhai"), ECHO).unwrap();
    let running = user.begin(["run", "bot.rhai"]);
    // Its home must outlive it.
    std::mem::forget(user);
    running
}

/// How it ends that cannot be there at all.
fn refused(change: impl FnOnce(&Discord)) -> String {
    let discord = Discord::start();
    change(&discord);
    let ended = started(&discord).stopped().ended;
    assert_eq!(ended.code, 1, "{}", ended.err);
    ended.err
}

#[test]
fn it_answers_those_it_is_to_answer_and_nobody_else() {
    let bot = Bot::start(|_| {});
    let discord = &bot.discord;
    discord.say_as(
        "status",
        "from a bot",
        &json!({ "author": { "id": "8", "username": "x", "bot": true } }),
    );
    discord.say_as("status", "no role", &json!({ "member": { "roles": [] } }));
    discord.say("help", "another channel");
    discord.say("random", "nobody is mentioned");
    let question = discord.say("status", "<@1100000000000000001> is it up?");
    let answer = discord.message(1);
    assert_eq!(answer["content"], "Ann in status: is it up?");
    assert_eq!(answer["message_reference"]["message_id"], question);
    assert_eq!(answer["channel_id"], "17");
    discord.say_as("random", "<@&5> help", &json!({ "mention_roles": ["5"] }));
    assert_eq!(
        discord.message(2)["content"],
        r#"still asked: ["engineering"]"#
    );
    // One that fails is logged, and the bot goes on.
    discord.say("status", "fail");
    assert_eq!(bot.asks("and now")["content"], "Ann in status: and now");
    let discord = &bot.discord;
    assert!(discord.state().seen.contains(&"identify".to_owned()));
    let (said, summary) = bot.stop();
    assert!(said.contains("as it was asked to"), "{said}");
    assert!(said.contains("discord: opsh is there"), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
    assert_eq!(
        (&summary["events"], &summary["failed"]),
        (&json!(4), &json!(1))
    );
}

#[test]
fn it_says_goodbye() {
    let bot = Bot::start(|_| {});
    let mut opsh = bot.opsh;
    bot.discord
        .until("READY", |state| (!state.seen.is_empty()).then_some(()));
    opsh.interrupt();
    opsh.stopped().ended.done();
    bot.discord.until_seen("close 1000", 1);
}

#[test]
fn it_resumes_after_a_broken_connection_and_misses_nothing() {
    let bot = Bot::start(|_| {});
    bot.asks("one");
    bot.discord.cut();
    // Said while it is away.
    bot.discord.say("status", "two");
    assert_eq!(bot.discord.message(2)["content"], "Ann in status: two");
    bot.discord.until_seen("resume", 1);
    assert_eq!(
        bot.discord
            .state()
            .seen
            .iter()
            .filter(|seen| *seen == "identify")
            .count(),
        1
    );
    let (said, _) = bot.stop();
    assert!(
        said.contains("the connection broke; connecting again"),
        "{said}"
    );
    assert!(
        said.contains("connected again, nothing was missed"),
        "{said}"
    );
}

#[test]
fn it_connects_again_when_discord_wants_it() {
    let bot = Bot::start(|_| {});
    bot.asks("one");
    bot.discord.operation(7, &Value::Null);
    bot.discord.until_seen("resume", 1);
    assert_eq!(bot.asks("two")["content"], "Ann in status: two");
    // A close that allows to come back does not end it either.
    bot.discord.close(4_009);
    bot.discord.until_seen("resume", 2);
    assert_eq!(bot.asks("three")["content"], "Ann in status: three");
    bot.stop();
}

#[test]
fn it_begins_anew_when_its_session_is_invalid() {
    let bot = Bot::start(|_| {});
    bot.asks("one");
    bot.discord.operation(9, &json!(false));
    bot.discord.until_seen("identify", 2);
    assert_eq!(bot.asks("two")["content"], "Ann in status: two");
    // One that can be resumed is.
    bot.discord.operation(9, &json!(true));
    bot.discord.until_seen("resume", 1);
    assert_eq!(bot.asks("three")["content"], "Ann in status: three");
    bot.stop();
}

#[test]
fn it_leaves_a_connection_that_is_dead() {
    let bot = Bot::start(|discord| discord.state().heartbeat = 200);
    bot.discord.until_seen("heartbeat", 2);
    bot.asks("one");
    // Heartbeats are not answered any more.
    bot.discord.state().acknowledges = false;
    bot.discord.until_seen("resume", 1);
    bot.discord.state().acknowledges = true;
    assert_eq!(bot.asks("two")["content"], "Ann in status: two");
    let (said, _) = bot.stop();
    assert!(said.contains("connecting again"), "{said}");
}

#[test]
fn malformed_frames_are_left_out() {
    let bot = Bot::start(|_| {});
    bot.asks("one");
    for frame in [
        "no JSON".to_owned(),
        "[]".to_owned(),
        r#"{"op":0,"t":"MESSAGE_CREATE","d":{}}"#.to_owned(),
        json!({ "op": 0, "s": 90, "t": "MESSAGE_CREATE", "d": { "content": 7 } }).to_string(),
        json!({ "op": 0, "s": 91, "t": "SOMETHING_NEW", "d": null }).to_string(),
        json!({ "op": 99, "d": null }).to_string(),
    ] {
        bot.discord.raw(1, frame.as_bytes());
    }
    assert_eq!(bot.asks("two")["content"], "Ann in status: two");
    // What is no text at all ends the connection, not the bot.
    bot.discord.raw(1, b"\xff\xfe");
    bot.discord.until_seen("resume", 1);
    assert_eq!(bot.asks("three")["content"], "Ann in status: three");
    let (said, _) = bot.stop();
    assert!(said.contains("discord: left out: MESSAGE_CREATE"), "{said}");
}

#[test]
fn a_place_that_no_token_is_sent_to_is_not_resumed_at() {
    let bot = Bot::start(|discord| {
        discord.state().resume_url = Some("ws://gateway.example".to_owned());
    });
    bot.asks("one");
    bot.discord.cut();
    // It resumes where it first came in.
    bot.discord.until_seen("resume", 1);
    assert_eq!(bot.asks("two")["content"], "Ann in status: two");
    let (said, _) = bot.stop();
    assert!(
        said.contains("left out: READY: its resume_gateway_url"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_repaired_by_trying_again_ends_it_with_what_to_do() {
    let said = refused(|discord| discord.state().turns_away = Some(4_004));
    assert!(
        said.contains("Discord does not accept the bot's token"),
        "{said}"
    );
    let said = refused(|discord| discord.state().turns_away = Some(4_014));
    assert!(said.contains("its Message Content intent is off"), "{said}");
    assert!(said.contains("Privileged Gateway Intents"), "{said}");
    let said = refused(|discord| discord.state().remaining = 0);
    assert!(said.contains("lets it connect again in 4h"), "{said}");
}
