//! An autoscaler that asks AWS, and a bot that is asked on Discord: each as a service of a
//! machine, with what it needs in a file that only root may read.

use std::fs;

use serde_json::Value;

use super::{Scene, report};
use crate::support::discord::{Discord, TOKEN, field};
use crate::support::moto::REGION;
use crate::support::opsh::Ended;

/// The port that a URL names.
fn port(url: &str) -> u16 {
    let place = url.trim_start_matches("http://");
    let port = place.split([':', '/']).nth(1).unwrap();
    port.parse().unwrap()
}

impl Scene {
    /// Writes a file NAME=VALUE by which a service reaches AWS, and what else it is to know.
    fn environment(&self, file: &str, more: &str) {
        let endpoint = &self.moto.endpoint;
        let text = format!(
            "AWS_ENDPOINT_URL={endpoint}\nAWS_REGION={REGION}\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n\
             AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n{more}"
        );
        fs::write(self.user.home().join(file), text).unwrap();
    }

    /// Sets a machine up as `words` say, and once more, which changes nothing and says so.
    fn twice(&self, index: usize, words: &[&str], installed: &str) -> [Ended; 2] {
        let address = &self.addresses[index];
        let host = format!("hosts={address}");
        let words = [&[host.as_str(), "-v"], words].concat();
        let first = self.bootstrap(&words).done();
        assert_eq!(report(&first, address), [installed], "{}", first.err);
        let second = self.bootstrap(&words).done();
        assert_eq!(report(&second, address), ["unchanged: -"], "{}", second.err);
        let said = "the machine is as wanted: nothing was changed";
        assert!(second.err.contains(said), "{}", second.err);
        [first, second]
    }
}

#[test]
fn an_autoscaler_sees_its_pool_and_a_bot_answers_with_the_figures_of_its_machine() {
    let Some(scene) = Scene::set() else {
        return;
    };
    let aws = port(&scene.moto.endpoint);

    scene.environment("scaler.env", "");
    let _aws = scene.lends(0, aws);
    let settings = "settings=pool=pool=web base=web-0 look=cloudwatch interval=5s";
    let words = ["role=autoscaler", "environment_file=scaler.env", settings];
    scene.twice(0, &words, "installed: user, code, unit, proxy");
    scene.is_humble(0, "opsh-autoscaler");
    let asked = "curl -s http://127.0.0.1:30000/ping; curl -s http://127.0.0.1:30000/pool";
    let said = scene.on(0, asked);
    let (ping, pool) = said.trim().split_once('\n').unwrap();
    assert_eq!(ping, "OK");
    let pool: Value = serde_json::from_str(pool).unwrap();
    let machines: Vec<_> = pool.as_array().unwrap().iter().map(named).collect();
    assert_eq!(machines, ["web-0 running true", "web-1 running false"]);

    let discord = Discord::start();
    let token = format!("DISCORD_TOKEN={TOKEN}\nDISCORD_API_URL={}\n", discord.url);
    scene.environment("bot.env", &token);
    let _aws = scene.lends(1, aws);
    let _discord = scene.lends(1, port(&discord.url));
    let words = [
        "role=chatbot",
        "environment_file=bot.env",
        "settings=channels=status",
    ];
    let runs = scene.twice(1, &words, "installed: user, code, unit");
    scene.is_humble(1, "opsh-chatbot");
    discord.until_there();
    discord.say("status", "hello world");
    assert_eq!(discord.message(1)["content"], "hello");
    discord.say("status", "Tell me about my server!");
    let card = discord.message(2);
    assert_eq!(
        field(&card, "Public address"),
        scene.addresses[1],
        "{card:#}"
    );
    assert_eq!(field(&card, "Type"), "t3.nano");
    assert_eq!(card["embeds"][0]["title"], scene.on(1, "hostname").trim());
    for (name, part) in [("Memory", "iB of "), ("Disk", "iB of "), ("CPU", " %")] {
        assert!(field(&card, name).contains(part), "{card:#}");
    }
    discord.say("status", "Any alarms?");
    assert_eq!(discord.message(3)["content"], "No alarm is raised.");

    // Its token is in its file, and nowhere else.
    let seen = "journalctl -u opsh-chatbot; cat /etc/systemd/system/opsh-chatbot.service; \
                tr '\\0' ' ' < /proc/$(cat /run/opsh-chatbot.pid)/cmdline; cat /etc/opsh-chatbot.env";
    let seen = scene.on(1, seen);
    assert!(seen.contains("discord: opsh is there"), "{seen}");
    let mut said = vec![("the machine", seen)];
    for run in runs {
        said.extend([("results", run.out), ("messages", run.err)]);
    }
    let ledger = fs::read(scene.user.home().join(".opsh/ledger.db")).unwrap();
    let journal = fs::read(scene.user.home().join(".opsh/ledger.db-wal")).unwrap_or_default();
    let records = [ledger, journal].concat();
    said.push(("the ledger", String::from_utf8_lossy(&records).into_owned()));
    for (place, text) in said {
        assert!(!text.contains(TOKEN), "the token is in {place}");
    }
    // Whoever reads that file by the same ledger has it there, so this comes last.
    let look = "stat -c '%a %U' /etc/opsh-chatbot.env; sudo tail -n 2 /etc/opsh-chatbot.env";
    assert_eq!(
        scene.on(1, look).trim(),
        format!("600 root\n{}", token.trim())
    );
    scene.leaves_nothing();
}

/// A machine of the pool in words.
fn named(machine: &Value) -> String {
    let text = |name: &str| machine[name].to_string().replace('"', "");
    format!("{} {} {}", text("name"), text("state"), text("base"))
}
