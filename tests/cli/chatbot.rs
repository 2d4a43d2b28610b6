//! The service-status bot: in rehearsal, on the embedded cloud, and on a Discord with real
//! figures of this machine.

use std::fs;

use serde_json::json;

use super::{run, shipped};
use crate::support::component::file;
use crate::support::discord::{Discord, TOKEN, field};
use crate::support::imds::Metadata;
use crate::support::opsh::User;

/// What people say on a Monday.
fn monday() -> String {
    file("playbooks/assets/chatbot/monday.jsonl")
        .display()
        .to_string()
}

#[test]
fn the_plan_of_a_monday() {
    let words = ["on_call_channels=engineering", "--dry-run", "--events"];
    let bot = shipped("chatbot");
    let ended = User::new().opsh([&["run", &bot], &words[..], &[&monday()]].concat());
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("plan", ended.out);
    insta::assert_snapshot!("messages", ended.err);
}

#[test]
fn a_monday_on_the_embedded_cloud() {
    let user = User::new();
    let bot = shipped("chatbot");
    let words = ["on_call_channels=engineering", "--local", "--events"];
    let ended = user
        .opsh([&["run", &bot], &words[..], &[&monday()]].concat())
        .done();
    assert!(
        ended.out.contains("day         alarms  downtime"),
        "{}",
        ended.out
    );
    let said = user
        .opsh(["local", "outbox", "--output", "json"])
        .done()
        .events();
    let bodies: Vec<&str> = said.iter().filter_map(|one| one["body"].as_str()).collect();
    assert_eq!(bodies.len(), 8, "{bodies:#?}");
    assert_eq!(bodies[0], "hello");
    assert_eq!(field(&said[1], "Instance"), "i-0a1b2c3d4e5f60718");
    assert!(bodies[2].starts_with("Yes: this server has been up for 12 days"));
    assert_eq!(bodies[3], "No alarm is raised.");
    // What is not known is answered by what is; nobody is called.
    assert!(bodies[5].starts_with("I do not know that. I know:\n- **Tell me about my server!**"));
    assert!(!bodies[5].contains('@'));
    assert!(
        bodies[7].contains("0 answered today") || bodies[7].contains("1 went to people"),
        "{}",
        bodies[7]
    );
    assert!(user.home().join("chatbot-trend.svg").is_file());
    // It remembers over restarts.
    let again = user
        .opsh([&["run", &bot], &words[..], &[&monday()]].concat())
        .done();
    assert!(again.out.contains("hello"), "{}", again.out);
}

#[cfg(target_os = "linux")]
#[test]
fn it_answers_with_real_figures_of_this_machine() {
    let (discord, metadata) = (Discord::start(), Metadata::start().with_public_address());
    let user = User::new()
        .with("DISCORD_API_URL", &discord.url)
        .with("DISCORD_TOKEN", TOKEN)
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url);
    fs::write(
        user.home().join("downtime.txt"),
        "Sunday 02:00 to 04:00: database\n",
    )
    .unwrap();
    let bot = shipped("chatbot");
    let mut opsh = user.begin(["run", &bot, "namespace=", "downtime_file=downtime.txt"]);
    discord.until_there();
    discord.say("status", "<@1100000000000000001> hello world");
    assert_eq!(discord.message(1)["content"], "hello");
    discord.say("status", "Tell me about my server!");
    let card = discord.message(2);
    assert_eq!(field(&card, "Region"), "eu-west-1");
    assert_eq!(field(&card, "Availability zone"), "eu-west-1b");
    assert_eq!(field(&card, "Public address"), "203.0.113.9");
    assert_eq!(field(&card, "Private address"), "10.0.0.7");
    assert_eq!(field(&card, "Instance"), "i-0fee1");
    assert_eq!(field(&card, "Type"), "t3.micro");
    let cpu: f64 = field(&card, "CPU").trim_end_matches(" %").parse().unwrap();
    assert!((0.0..=100.0).contains(&cpu), "{cpu}");
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(card["embeds"][0]["title"], name.trim());
    for (name, part) in [
        ("Memory", "iB of "),
        ("Disk", "iB of "),
        ("Uptime", ":"),
        ("Load", "."),
    ] {
        assert!(field(&card, name).contains(part), "{card:#}");
    }
    assert!(card["embeds"][0].get("description").is_none(), "{card:#}");
    discord.say("status", "Any planned downtime?");
    assert_eq!(
        discord.message(3)["content"],
        "Planned downtime:\nSunday 02:00 to 04:00: database"
    );
    opsh.interrupt();
    let ended = opsh.stopped().ended.done();
    assert!(ended.out.contains("server"), "{}", ended.out);
}

#[cfg(target_os = "linux")]
#[test]
fn what_it_cannot_find_out_is_a_sentence() {
    let discord = Discord::start();
    let user = User::new()
        .with("DISCORD_API_URL", &discord.url)
        .with("DISCORD_TOKEN", TOKEN)
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_REGION", "eu-west-1");
    let bot = shipped("chatbot");
    let mut opsh = user.begin(["run", &bot, "namespace="]);
    discord.until_there();
    discord.say("status", "Tell me about my server!");
    let card = discord.message(1);
    assert_eq!(
        card["embeds"][0]["description"],
        "I am not allowed to find that out: instance metadata is not to be asked: AWS_EC2_METADATA_DISABLED is set."
    );
    // The figures of the machine are there all the same.
    assert!(field(&card, "Memory").contains("iB of "), "{card:#}");
    discord.say("status", "Any alarms?");
    let alarms = discord.message(2);
    let words = alarms["content"].as_str().unwrap();
    assert!(
        words.starts_with("I cannot tell: I have no AWS credentials that are good: "),
        "{words}"
    );
    opsh.interrupt();
    opsh.stopped().ended.done();
}

#[test]
fn questions_are_understood() {
    let expected = json!({
        "Hello World!": "hello ", "tell me about my server": "server ",
        "Tell me about Web-1, please": "unknown ", "Tell me about Web-1.": "server Web-1",
        "tell me about i-0fee1": "server i-0fee1", "TELL ME ABOUT ALL SERVERS": "servers ",
        "Is it up?": "up ", "is db.example.com up?": "up db.example.com", "is web-1 down": "up web-1",
        "are there any alarms?": "alarms ", "when is the next maintenance": "downtime ",
        "how many questions were asked?": "trend ", "help": "help ", "": "unknown ",
        "drop table servers;": "unknown ",
    });
    let script = format!(
        r#"import "questions" as questions;
        let expected = text::json_decode({:?});
        for asked in expected.keys() {{
            let found = questions::understood(asked);
            if `${{found.kind}} ${{found.name}}` != expected[asked] {{ throw `${{asked}}: ${{found}}`; }}
        }}"#,
        expected.to_string()
    );
    run(&script, &["--dry-run"]).done();
}

#[test]
fn many_servers_are_told_about_from_elsewhere() {
    let script = r#"
import "instances" as instances;
import "questions" as questions;
ssh::generate_key("k", #{});
ec2::import_key_pair(#{ key_name: "k", public_key_material: file::read("k.pub") });
let group = instances::ensure_security_group("g", instances::default_vpc(), "web",
    [#{ port: 22, from: "0.0.0.0/0", description: "SSH" }]);
for name in ["web-1", "web-2"] {
    let made = ec2::run_instances(#{
        image_id: instances::newest_amazon_linux("x86_64"), instance_type: "t3.micro", min_count: 1, max_count: 1,
        key_name: "k", security_group_ids: [group], tags: #{ Name: name, env: "prod" },
    }).instances;
    ec2::wait_until_instance_running(#{ instance_ids: [made[0].instance_id] });
}
sleep(1800);
let settings = #{
    on_instance: false, default_server: "web-1", tag: "env=prod", url: "", downtime_file: "", downtime_parameter: "",
    ssh_user: "ec2-user", ssh_key: "k", ssh_host_key: "accept-new", baseline: 50, goal: 30,
};
let ask = |text| questions::answer(questions::understood(text), settings);
let card = ask.call("Tell me about my server!").embeds[0];
assert_eq(card.title, "web-1");
for field in card.fields {
    if field.value == "–" { throw card; }
}
let table = ask.call("Tell me about all servers").content;
assert(table.contains("web-1  running  us-east-1a"), table);
assert(table.contains("web-2"), table);
assert_eq(ask.call("Is web-2 up?").content, "Yes: web-2 runs and passes its checks.");
assert_eq(ask.call("Tell me about web-3").content, "I see no server called web-3.");
let found = ec2::describe_instances(#{ filters: #{ "tag:Name": "web-2" } }).reservations[0].instances[0];
ec2::stop_instances(#{ instance_ids: [found.instance_id] });
ec2::wait_until_instance_stopped(#{ instance_ids: [found.instance_id] });
assert_eq(ask.call("Is web-2 up?").content, "No: web-2 is stopped.");
settings.tag = "env";
assert_eq(ask.call("Tell me about all servers").content, "I cannot tell: the tag 'env' is not name=value.");
"#;
    run(script, &["--dry-run"]).done();
}
