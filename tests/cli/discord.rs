//! What a playbook says on Discord: once, to nobody by name, and as early as Discord lets it.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::discord::{Answer, BOT, Discord, TOKEN};
use crate::support::opsh::{Ended, User};

/// A user whose bot is on `discord`.
fn user(discord: &Discord) -> User {
    User::new()
        .with("DISCORD_API_URL", &discord.url)
        .with("DISCORD_TOKEN", TOKEN)
}

fn run(user: &User, script: &str, flags: &[&str]) -> Ended {
    fs::write(user.home().join("say.rhai"), script).unwrap();
    user.opsh([&["run", "say.rhai"], flags].concat())
}

const HELLO: &str = r#"discord::send("status", "hello @everyone");"#;

#[test]
fn a_message_names_its_channel_and_calls_nobody() {
    let discord = Discord::start();
    let script = r##"
        let first = discord::send("#Status", "hello @everyone <@7>");
        let reply = discord::reply(first, #{ embeds: [#{ title: "web-1", fields: [#{ name: "CPU", value: 12.5 }] }] });
        if reply.channel_id != "17" { throw reply; }"##;
    run(&user(&discord), script, &[]).done();
    let (first, second) = (discord.message(1), discord.message(2));
    assert_eq!(first["channel_id"], "17");
    assert_eq!(first["content"], "hello @\u{200b}everyone <\u{200b}@7>");
    assert_eq!(
        first["allowed_mentions"],
        json!({ "parse": [], "replied_user": false })
    );
    assert_eq!(first["enforce_nonce"], true);
    assert_ne!(first["nonce"], second["nonce"]);
    assert!(first["nonce"].as_str().unwrap().len() <= 25);
    assert_eq!(second["message_reference"]["message_id"], first["id"]);
    assert_eq!(second["embeds"][0]["fields"][0]["value"], "12.5");
}

#[test]
fn who_the_bot_is_is_said_by_its_token() {
    let discord = Discord::start();
    let script = "print(text::json_encode(discord::connect()));";
    let said = run(&user(&discord), script, &[]).done().out;
    let bot = json!({ "id": BOT, "name": "opsh", "servers": ["Example"] });
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), bot);
    let local = run(&User::new(), script, &["--local"]).done().out;
    assert!(local.contains(r#""servers":["embedded"]"#), "{local}");
    let stranger = User::new()
        .with("DISCORD_API_URL", &discord.url)
        .with("DISCORD_TOKEN", "wrong-token");
    let refused = run(&stranger, script, &[]);
    let words = "discord::connect: Discord does not accept the bot's token";
    assert!(refused.err.contains(words), "{}", refused.err);
}

#[test]
fn limits_are_waited_for() {
    let discord = Discord::start();
    discord.state().answers.extend([
        // One more, then none for this long.
        Answer::Left(0, 0.4),
        Answer::Early(0.5),
        Answer::EarlyForAll(0.6),
    ]);
    let script = r#"for n in 0..3 { discord::send("17", `${n}`); }"#;
    run(&user(&discord), script, &[]).done();
    let state = discord.state();
    assert_eq!(state.messages.len(), 3);
    // Nothing was sent early but what the answers asked for.
    assert_eq!(state.refused, 2);
    let waited = state.times[1] - state.times[0];
    assert!(
        waited >= Duration::from_millis(400 + 500 + 600),
        "{waited:?}"
    );
}

#[test]
fn what_stands_before_discord_is_heeded_too() {
    let discord = Discord::start();
    discord
        .state()
        .answers
        .push_back(Answer::EarlySaysTheProxy(1));
    run(&user(&discord), HELLO, &[]).done();
    assert_eq!(discord.state().refused, 1);
    // A minute is too long to wait: the playbook is told.
    discord.state().answers.push_back(Answer::Early(90.0));
    let ended = run(&user(&discord), HELLO, &[]);
    assert!(
        ended
            .err
            .contains("Discord wants this bot to wait for 1m 31s"),
        "{}",
        ended.err
    );
}

#[test]
fn a_lost_answer_makes_no_second_message() {
    let discord = Discord::start();
    discord
        .state()
        .answers
        .extend([Answer::Lost, Answer::Refused(502, 0)]);
    run(&user(&discord), HELLO, &[]).done();
    assert_eq!(discord.state().messages.len(), 1);
}

#[test]
fn refusals_say_what_to_do() {
    let discord = Discord::start();
    discord
        .state()
        .answers
        .push_back(Answer::Refused(403, 50_013));
    let ended = run(&user(&discord), HELLO, &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("the bot may not write in that channel"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("'Embed Links'"), "{}", ended.err);
    let ended = run(&user(&discord), r#"discord::send("statsu", "x");"#, &[]);
    assert!(
        ended
            .err
            .contains("the bot sees no channel 'statsu'; did you mean 'status'?"),
        "{}",
        ended.err
    );
    let stranger = User::new()
        .with("DISCORD_API_URL", &discord.url)
        .with("DISCORD_TOKEN", "wrong-token");
    let ended = run(&stranger, HELLO, &[]);
    assert!(
        ended
            .err
            .contains("Discord does not accept the bot's token"),
        "{}",
        ended.err
    );
    let ended = run(&User::new(), HELLO, &[]);
    assert!(
        ended.err.contains("there is no Discord token"),
        "{}",
        ended.err
    );
    let careless = User::new()
        .with("DISCORD_API_URL", "http://discord.example/api")
        .with("DISCORD_TOKEN", TOKEN);
    let ended = run(&careless, HELLO, &[]);
    assert!(
        ended.err.contains("is not a place for a token"),
        "{}",
        ended.err
    );
}

#[test]
fn the_token_comes_from_a_file_and_is_seen_nowhere() {
    let discord = Discord::start();
    let user = User::new().with("DISCORD_API_URL", &discord.url);
    fs::write(user.home().join(".env"), format!("DISCORD_TOKEN={TOKEN}\n")).unwrap();
    // What was written back by mistake is blotted out as well.
    let script =
        format!(r#"discord::send("status", "hello"); log::info("{TOKEN}"); throw "{TOKEN}";"#);
    let ended = run(&user, &script, &["-v", "--log-file", "log.txt"]);
    discord.message(1);
    assert_eq!(ended.code, 1);
    let mut said = vec![ended.out, ended.err];
    for file in ["log.txt", ".opsh/ledger.db", ".opsh/ledger.db-wal"] {
        if let Ok(bytes) = fs::read(user.home().join(file)) {
            said.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    for text in said {
        // The excerpt of the playbook would show it; it is a secret of the run by then.
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[test]
fn in_the_embedded_cloud_it_goes_to_the_outbox() {
    let user = User::new();
    let script = r#"
        let first = discord::send("status", "hello");
        discord::reply(first, "again");"#;
    let plan = run(&user, script, &["--dry-run"]).done();
    assert!(plan.out.contains("discord::send"), "{}", plan.out);
    run(&user, script, &["--local"]).done();
    let ended = user.opsh(["local", "outbox", "--output", "json"]).done();
    let events = ended.events();
    assert_eq!(events.len(), 2, "{}", ended.out);
    assert_eq!(events[0]["protocol"], "discord");
    assert_eq!(events[0]["to"], "#status");
    assert_eq!(events[0]["body"], "hello");
    assert_eq!(events[1]["answers"], events[0]["message_id"]);
}
