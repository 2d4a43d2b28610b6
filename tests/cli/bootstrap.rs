//! `bootstrap.rhai`: every role on both systems, from nothing to a service and back.

use super::{read, run, shipped};
use crate::support::opsh::{Ended, User};

/// Somebody with a token for a bot; the embedded Discord takes any.
fn user() -> User {
    let user = User::new();
    let token = "DISCORD_TOKEN=MTE.token-of-a-test\n";
    std::fs::write(user.home().join(".env"), token).unwrap();
    user
}

fn bootstrap(user: &User, more: &[&str]) -> Ended {
    let words = ["run", &shipped("bootstrap"), "--stack", "fleet", "--local"];
    user.opsh(words.iter().chain(more))
}

/// What the report's table says of a machine.
fn row<'a>(ended: &'a Ended, machine: &str) -> Vec<&'a str> {
    let line = ended.out.lines().find(|line| line.starts_with(machine));
    let line = line.unwrap_or_else(|| panic!("{}", ended.out));
    line.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .skip(1)
        .collect()
}

/// What a command as root on a machine writes.
fn on(user: &User, machine: &str, line: &str) -> String {
    user.opsh(["local", "exec", machine, "--", line]).out
}

/// Sets a machine of this role up on `system`; a second run changes nothing, a third with other
/// settings updates it.
fn three_times(user: &User, system: &str, role: &str, more: &[&str], changed: &str) {
    let role = format!("role={role}");
    let system = format!("system={system}");
    let words = [&[&*role, &*system, "launch=one"], more].concat();
    let first = bootstrap(user, &words).done();
    assert_eq!(row(&first, "one ")[..2], ["installed", changed]);
    let second = bootstrap(user, &words).done();
    assert_eq!(row(&second, "one ")[..2], ["unchanged", "-"]);
    assert!(
        second
            .err
            .contains("the machine is as wanted: nothing was changed"),
        "{}",
        second.err
    );
    let last = user.runs().swap_remove(0);
    let steps = user.opsh(["history", last["run"].as_str().unwrap(), "--local"]);
    assert!(!steps.done().out.contains("ssh::run"), "it wrote something");
}

#[test]
fn a_worker_on_either_system_computes() {
    for (system, login) in [("amazon", "ec2-user"), ("ubuntu", "ubuntu")] {
        let user = user();
        three_times(
            &user,
            system,
            "worker",
            &["open=0.0.0.0/0"],
            "user, nginx, code, unit, proxy",
        );
        let ask = "curl -s localhost:30000/ping; curl -s 'localhost:30000/work?seconds=1'";
        assert_eq!(on(&user, "one", ask), "OK\n{\"burnt\":1.0,\"seconds\":1.0}");
        // It runs as a user who may do nothing else, and outside its port is open.
        let unit = on(&user, "one", "cat /etc/systemd/system/opsh-worker.service");
        assert!(unit.contains("\nUser=opsh\n"), "{unit}");
        assert!(on(&user, "one", "id opsh").contains("(opsh)"));
        let visit = r#"
            let found = ec2::describe_instances(#{ filters: #{ "tag:Name": "one" } }).reservations[0].instances[0];
            print(http::get(`http://${found.public_ip_address}:30000/ping`).body);
            let login = param("login", #{ default: "" });
            print(ssh::read(#{ host: found.public_ip_address, user: login, key_file: ".opsh/keys/fleet", host_key: "accept-new" }, "whoami").stdout);"#;
        std::fs::write(user.home().join("visit.rhai"), visit).unwrap();
        let visited = user
            .opsh(["run", "visit.rhai", &format!("login={login}"), "--local"])
            .done();
        assert!(
            visited.out.starts_with(&format!("OK\n\n{login}\n")),
            "{}",
            visited.out
        );
    }
}

#[test]
fn an_autoscaler_on_either_system_lives() {
    for system in ["amazon", "ubuntu"] {
        let user = user();
        let settings = ["settings=pool=pool=web look=cloudwatch minimum=0"];
        three_times(
            &user,
            system,
            "autoscaler",
            &settings,
            "user, nginx, code, unit, proxy",
        );
        let answer = on(&user, "one", "curl -s localhost:30000/ping");
        assert!(answer.starts_with("OK"), "{answer}");
        // What it can ask of AWS is what its machine may do.
        let allowed = r#"
            let policy = iam::get_role_policy(#{ role_name: "fleet-one", policy_name: "opsh" }).policy_document;
            print(text::url_decode(policy));"#;
        std::fs::write(user.home().join("allowed.rhai"), allowed).unwrap();
        let policy = user.opsh(["run", "allowed.rhai", "--local"]).done().out;
        for action in ["ec2:StartInstances", "ec2:StopInstances", "sns:Publish"] {
            assert!(policy.contains(action), "{policy}");
        }
        assert!(!policy.contains("ec2:TerminateInstances"), "{policy}");
    }
}

#[test]
fn from_nothing_to_a_bot_that_answers_and_back() {
    for (system, name) in [("amazon", "t3.nano"), ("ubuntu", "t3.nano")] {
        let user = user();
        let words = ["environment_file=.env", "settings=channels=status"];
        three_times(&user, system, "chatbot", &words, "user, code, unit");
        let said = user.opsh(["local", "say", "status", "Tell me about my server!"]);
        let said = said.done().out;
        // Its own machine's facts and figures, not those of a furnished one.
        let find = r#"
            let found = ec2::describe_instances(#{ filters: #{ "tag:Name": "one" } }).reservations[0].instances[0];
            print(`${found.instance_id} ${found.public_ip_address} ${found.private_ip_address} ${found.placement.availability_zone}`);"#;
        std::fs::write(user.home().join("find.rhai"), find).unwrap();
        let found = user.opsh(["run", "find.rhai", "--local"]).done().out;
        for fact in found
            .split_whitespace()
            .chain([name, "us-east-1", "running"])
        {
            assert!(said.contains(fact), "{fact}: {said}");
        }
        let memory = on(
            &user,
            "one",
            "free -m | grep Mem | tr -s ' ' | cut -d ' ' -f 2",
        );
        let line = said.lines().find(|line| line.contains("Memory")).unwrap();
        assert!(
            line.contains(&format!(" of {}.", memory.trim())),
            "{line} {memory}"
        );
        assert!(!said.contains("cannot"), "{said}");
        let alarms = user.opsh(["local", "say", "status", "Any alarms?"]).done();
        assert_eq!(alarms.out, "#status\n  No alarm is raised.\n");
        let deaf = user.opsh(["local", "say", "elsewhere", "hello"]).done();
        assert_eq!((&*deaf.out, &*deaf.err), ("", "nobody answers\n"));
        let log = on(&user, "one", "journalctl -u opsh-chatbot --no-pager");
        assert!(log.contains("discord: opsh is there"), "{log}");

        let teardown = shipped("teardown");
        let gone = user.opsh(["run", &teardown, "stack=fleet", "--local", "--yes"]);
        gone.done();
        let nobody = user.opsh(["local", "say", "status", "hello"]);
        assert_eq!(nobody.code, 1);
        assert_eq!(
            nobody.err,
            "error: nobody listens on the embedded Discord: no bot runs on any of its machines\n  \
             next: make one with: opsh run playbooks/bootstrap.rhai role=chatbot … --local\n"
        );
    }
}

#[test]
fn an_alarm_comes_through_the_proxy_and_is_dealt_with_once() {
    let user = user();
    let admin = shipped("admin");
    for name in ["name=web-1", "name=web-2"] {
        let words = [
            "run",
            &admin,
            "do=add",
            name,
            "open=30000",
            "tags=pool=web",
            "--local",
        ];
        user.opsh(words).done();
    }
    bootstrap(
        &user,
        &["role=worker", "pool=pool=web", "key_file=.opsh/keys/admin"],
    )
    .done();
    let alarm = ["run", &admin, "do=alarm", "instance=web-1", "--local"];
    user.opsh(alarm).done();
    let settings = "settings=pool=pool=web look=never url=http://203.0.113.12:30000/alarms \
                    alarms=arn:aws:sns:us-east-1:123456789012:scaling";
    let words = [
        "role=autoscaler",
        "launch=scaler",
        "open=0.0.0.0/0",
        settings,
    ];
    bootstrap(&user, &words).done();
    let passed = user.opsh(["local", "advance", "15m"]).done();
    let delivered = "http://203.0.113.12:30000/alarms: scaling: ALARM:";
    assert!(passed.out.contains(delivered), "{}", passed.out);
    // Twice, since each command begins the service anew.
    for _ in 0..2 {
        let log = on(&user, "scaler", "journalctl -u opsh-autoscaler");
        assert_eq!(log.matches(": stopping web-2 (i-").count(), 1, "{log}");
        assert!(!log.contains("going on with the event"), "{log}");
    }
    let list = [
        "run",
        &admin,
        "tag=pool=web",
        "columns=name,state",
        "--local",
    ];
    let seen = user.opsh(list).done();
    for line in ["web-1  running", "web-2  stopped"] {
        assert!(seen.out.contains(line), "{}", seen.out);
    }
}

#[test]
fn the_token_is_nowhere_but_in_its_files() {
    let user = user();
    let words = ["role=chatbot", "launch=one", "environment_file=.env", "-v"];
    let ended = bootstrap(&user, &words).done();
    let answer = user.opsh(["local", "say", "status", "hello"]).done();
    assert_eq!(answer.out, "#status\n  hello\n");
    let mode = "stat -c '%a %U' /etc/opsh-chatbot.env; cat /etc/opsh-chatbot.env";
    assert_eq!(
        on(&user, "one", mode),
        "600 root\nDISCORD_TOKEN=MTE.token-of-a-test\n"
    );
    let log = on(&user, "one", "journalctl -u opsh-chatbot --no-pager");
    let mut said = vec![ended.out, ended.err, log];
    for file in ["ledger.db", "ledger.db-wal"] {
        let path = user.home().join(".opsh/local").join(file);
        if let Ok(bytes) = std::fs::read(path) {
            said.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    assert!(said.len() > 3, "there is no ledger");
    for text in said {
        assert!(!text.contains("token-of-a-test"), "{text}");
    }
}

#[test]
fn a_bot_without_a_token_is_not_left_alone() {
    let ended = bootstrap(&user(), &["role=chatbot", "launch=one", "patience=10s"]);
    assert_eq!(ended.code, 1);
    for words in [
        "opsh-chatbot does not answer within 10 s",
        "there is no Discord token: DISCORD_TOKEN is not set",
    ] {
        assert!(ended.err.contains(words), "{}", ended.err);
    }
}

#[test]
fn a_machine_that_was_launched_becomes_what_is_wanted_now() {
    let user = user();
    let launch = ["role=worker", "launch=one"];
    bootstrap(&user, &launch).done();
    let bot = bootstrap(
        &user,
        &["role=chatbot", "launch=one", "environment_file=.env"],
    )
    .done();
    let said = "one was launched without a role and gets fleet-one";
    assert!(bot.err.contains(said), "{}", bot.err);
    let role = "curl -s -H \"X-aws-ec2-metadata-token: $(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)\" http://169.254.169.254/latest/meta-data/iam/info";
    let info = on(&user, "one", role);
    assert!(info.contains(":instance-profile/fleet-one"), "{info}");
    let larger = [launch[0], launch[1], "instance_type=t3.small"];
    let changed = bootstrap(&user, &larger).done();
    let said = "one is a t3.nano and becomes a t3.small: it is stopped and started again";
    assert!(changed.err.contains(said), "{}", changed.err);
    assert_eq!(on(&user, "one", "curl -s localhost:30000/ping"), "OK\n");
    let again = bootstrap(&user, &larger).done();
    assert!(!again.err.contains("becomes"), "{}", again.err);
    assert_eq!(row(&again, "one ")[..2], ["unchanged", "-"]);
    let history = user.opsh(["ls", "fleet", "--local"]).done();
    assert_eq!(history.out.matches("ec2:instance ").count(), 1);
    for (wish, cannot) in [
        (
            "system=ubuntu",
            "one is there already with system=amazon: it cannot become ubuntu",
        ),
        (
            "instance_type=t4g.small",
            "one is there already as t3.small (x86_64): it cannot become t4g.small",
        ),
    ] {
        let refused = bootstrap(&user, &[launch[0], launch[1], wish]);
        assert_eq!(refused.code, 1);
        for words in [cannot, "launch another one (launch=NAME)"] {
            assert!(refused.err.contains(words), "{}", refused.err);
        }
    }
}

/// Twelve machines of both systems that nobody has set up.
const MANY: &str = r#"
import "instances" as instances;
let key = ".opsh/keys/many";
if !file::exists(key) { ssh::generate_key(key, #{}); }
let key_name = instances::ensure_key_pair("many", ssh::public_key(key));
let group = instances::ensure_security_group("many", instances::default_vpc(), "many", [
    #{ port: 22, from: "0.0.0.0/0", description: "ssh" },
]);
for image in [instances::newest_amazon_linux("x86_64"), instances::newest_ubuntu("x86_64")] {
    ec2::run_instances(#{
        image_id: image, instance_type: "t3.nano", min_count: 6, max_count: 6, key_name: key_name,
        security_group_ids: [group], metadata_options: #{ http_tokens: "required" }, tags: #{ pool: "many" },
    });
}
"#;

#[test]
fn many_machines_are_set_up_at_once_and_a_newer_version_comes_to_one_after_another() {
    let user = user();
    let place = |name: &str| user.home().join(name);
    std::fs::write(place("many.rhai"), MANY).unwrap();
    user.opsh(["run", "many.rhai", "--local", "-q"]).done();
    // The user's own copies, of which there is going to be a newer version.
    for name in ["bootstrap", "worker"] {
        let text = read(&format!("playbooks/{name}.rhai"));
        std::fs::write(place(&format!("{name}.rhai")), text).unwrap();
    }
    let set_up = |more: &[&str]| {
        let words = [
            "run",
            "bootstrap.rhai",
            "pool=pool=many",
            "key_file=.opsh/keys/many",
        ];
        user.opsh(words.iter().chain(more).chain(&["--local"]))
    };
    let time = || {
        let status = user.opsh(["local", "status", "--output", "json"]).done();
        let time = status.events()[0]["time"].as_str().unwrap().to_owned();
        time.parse::<jiff::Timestamp>().unwrap()
    };
    let begun = time();
    let first = set_up(&[]).done();
    let results = |ended: &Ended| ended.out.matches(" installed ").count();
    assert_eq!(results(&first), 12, "{}", first.out);
    let took = time().duration_since(begun).as_secs();
    let second = set_up(&[]).done();
    assert!(
        second
            .err
            .contains("all 12 machines are as wanted: nothing was changed"),
        "{}",
        second.err
    );

    let worker = read("playbooks/worker.rhai").replace(r#""OK\n""#, r#""OK, newer\n""#);
    std::fs::write(place("worker.rhai"), &worker).unwrap();
    let begun = time();
    let third = set_up(&[]).done();
    let one_by_one = time().duration_since(begun).as_secs();
    let updated: Vec<&str> = third
        .err
        .lines()
        .filter(|line| line.ends_with(": worker updated"))
        .collect();
    assert_eq!(updated.len(), 12, "{}", third.err);
    assert!(updated.is_sorted(), "{}", third.err);
    assert_eq!(third.out.matches("code").count(), 12, "{}", third.out);
    // Fresh machines install nginx at the same time: no longer than one of them takes.
    assert!(
        took < 120,
        "{took} s for twelve, {one_by_one} s to update them"
    );

    // A version that does not work stops at the first machine; the others have the old one.
    std::fs::write(
        place("worker.rhai"),
        worker.replace("run_forever();", "throw \"broken\";"),
    )
    .unwrap();
    let broken = set_up(&["patience=10s"]);
    assert_eq!(broken.code, 1);
    assert!(
        broken
            .err
            .contains("opsh-worker does not answer within 10 s"),
        "{}",
        broken.err
    );
    let ask = r#"
        let good = 0;
        for reservation in ec2::describe_instances(#{ filters: #{ "tag:pool": "many" } }).reservations {
            for one in reservation.instances {
                let login = if ec2::describe_images(#{ image_ids: [one.image_id] }).images[0].name.to_lower().contains("ubuntu") { "ubuntu" } else { "ec2-user" };
                let host = #{ host: one.public_ip_address, user: login, key_file: ".opsh/keys/many", host_key: "accept-new" };
                if ssh::read(host, "curl -s localhost:30000/ping", #{ check: false }).stdout == "OK, newer\n" { good += 1; }
            }
        }
        print(good);"#;
    std::fs::write(place("ask.rhai"), ask).unwrap();
    let asked = user.opsh(["run", "ask.rhai", "--local"]).done();
    assert_eq!(asked.out, "11\n");
}

#[test]
fn two_services_do_not_share_a_port() {
    let user = user();
    bootstrap(&user, &["role=worker", "launch=one"]).done();
    let scaler = ["role=autoscaler", "launch=one", "settings=minimum=0"];
    let refused = bootstrap(&user, &scaler);
    assert_eq!(refused.code, 1);
    for words in [
        ": nginx listens on port 30000 for /etc/nginx/conf.d/opsh-worker.conf there",
        "give this service another one: port=30001",
    ] {
        assert!(refused.err.contains(words), "{}", refused.err);
    }
    bootstrap(&user, &[&scaler[..], &["port=30001"]].concat()).done();
    let both = "curl -s localhost:30000/ping; curl -s localhost:30001/ping";
    let both = on(&user, "one", both);
    assert_eq!(both.matches("OK").count(), 2, "{both}");
}

#[test]
fn what_is_missing_is_said() {
    let ended = run(
        r#"import "fleet" as fleet;
        let said = [];
        for pool in ["", "web", "pool=nobody"] {
            try { fleet::targets(pool, "", "", "", "known"); } catch (problem) { said.push(problem.message); }
        }
        print(said);"#,
        &["--dry-run"],
    );
    let ended = ended.done();
    for words in [
        "there are no machines to set up",
        "the pool 'web' is not KEY=VALUE",
    ] {
        assert!(ended.out.contains(words), "{}", ended.out);
    }
}

#[test]
fn what_no_service_could_start_with_is_refused_before_a_machine_is_launched() {
    let user = user();
    for (wrong, said) in [
        (
            "settings=minimum=1 twice",
            "the setting 'twice' is not NAME=VALUE\n",
        ),
        (
            "environment_file=nothing",
            "the file 'nothing' of the parameter 'environment_file' is not there\n",
        ),
    ] {
        let refused = bootstrap(&user, &["role=autoscaler", "launch=one", wrong]);
        assert_eq!(refused.code, 1, "{wrong}");
        assert!(refused.err.contains(said), "{wrong}: {}", refused.err);
    }
    let listed = user.opsh(["ls", "bootstrap", "--local"]).done();
    assert_eq!(listed.out, "the stack 'bootstrap' has no resources\n");
}

#[test]
fn the_journal_of_a_service_that_does_not_answer_is_shown_line_by_line() {
    let said = [
        "role=worker",
        "launch=one",
        "settings=bind=nowhere",
        "patience=10s",
    ];
    let ended = bootstrap(&user(), &said);
    assert_eq!(ended.code, 1);
    let head = ": opsh-worker does not answer within 10 s:\n";
    assert!(ended.err.contains(head), "{}", ended.err);
}

/// A worker that looks around every minute, which takes it `seconds`.
fn looking(user: &User, seconds: u32) -> String {
    let folder = user.home().join("roles");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(shipped("bootstrap"), folder.join("bootstrap.rhai")).unwrap();
    let worker = format!(
        r#"
        let port = param("port", #{{ default: 8080 }});
        let bind = param("bind", #{{ default: "127.0.0.1" }});
        serve(#{{ port: port, bind: bind, routes: #{{ "GET /ping": "OK\n" }} }});
        let look = || {{ log::info("looks"); state::set("looks", 1); time::sleep("{seconds}s"); log::info("looked"); }};
        every("1m", look, #{{ name: "look", at_once: true, timeout: "1h" }});
        run_forever();
        "#
    );
    std::fs::write(folder.join("worker.rhai"), worker).unwrap();
    folder.join("bootstrap.rhai").display().to_string()
}

/// When what was looked at, how the runs of the service ended, and what files it leaves.
fn looked(user: &User) -> (Vec<String>, Vec<String>, Vec<String>) {
    let log = on(user, "one", "journalctl -u opsh-worker --no-pager");
    let lines = log.lines().filter(|line| line.contains(": INFO "));
    let said = |line: &str| {
        let (_, words) = line.split_once(": INFO ").unwrap();
        format!("{} {words}", &line[10..15])
    };
    let hosts = user.home().join(".opsh/local/hosts");
    let files = std::fs::read_dir(&hosts).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let ledger = files[0].display().to_string();
    let history = ["history", "--ledger", &ledger, "--output", "json"];
    let runs = user.opsh(history).done();
    let outcome = |run: &serde_json::Value| run["outcome"].as_str().unwrap().to_owned();
    let ending = |file: &std::path::PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        name.split_once('.').unwrap().1.to_owned()
    };
    (
        lines.map(said).collect(),
        runs.events().iter().map(outcome).collect(),
        files.iter().map(ending).collect(),
    )
}

#[test]
fn what_a_service_is_about_when_a_command_ends_comes_to_its_end() {
    let once = || {
        let user = User::new();
        let playbook = looking(&user, 3);
        let words = ["run", &playbook, "role=worker", "launch=one", "--local"];
        user.opsh(words).done();
        let passed = user.opsh(["local", "advance", "1m"]).done();
        (passed.out, looked(&user))
    };
    let (told, (said, outcomes, files)) = once();
    assert_eq!(
        told,
        "nothing else happened\nit is 2026-01-01 00:02:10Z now\n"
    );
    // It begins anew with each command, the last of which only reads its journal.
    let expected = [
        "01:04 looks",
        "01:07 looked",
        "01:07 looks",
        "01:10 looked",
        "02:07 looks",
        "02:10 looked",
        "02:10 looks",
    ];
    assert_eq!(said, expected);
    assert_eq!(outcomes, ["done", "done", "done"]);
    assert_eq!(files, ["db", "db-head"]);
    assert_eq!(once(), (told, (said, outcomes, files)));
}

#[test]
fn what_takes_too_long_for_the_end_of_a_command_is_gone_on_with() {
    let user = User::new();
    let playbook = looking(&user, 900);
    let words = ["run", &playbook, "role=worker", "launch=one", "--local"];
    user.opsh(words).done();
    user.opsh(["local", "advance", "1m"]).done();
    let (log, outcomes, files) = looked(&user);
    // The id of the event is of no interest.
    let said = log
        .iter()
        .map(|line| line.split_once(" 2026").map_or(&**line, |(words, _)| words));
    let expected = [
        "01:04 looks",
        "11:06 going on with the event",
        "22:06 going on with the event",
    ];
    assert!(said.eq(expected), "{log:?}");
    assert_eq!(outcomes, ["done", "done", "done"]);
    assert_eq!(files, ["db", "db-head"]);
}
