//! Functions of the standard library that the shipped playbooks' tests do not reach.

use super::{run, user};

/// Runs `text` on a fresh embedded cloud; it throws what is wrong.
#[track_caller]
fn holds(text: &str) {
    let ended = run(text, &["--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn only_what_is_wanted_is_compared() {
    holds(
        r#"
import "compare" as compare;
let have = #{ size: 8, tags: #{ Name: "web", team: "ops" }, rules: [#{ port: 80, id: "r-1" }] };
if compare::differs(have, #{ size: 8, tags: #{ Name: "web" }, rules: [#{ port: 80 }] }) { throw "more is no difference"; }
if !compare::differs(have, #{ tags: #{ Name: "shop" } }) { throw "a difference inside"; }
if !compare::differs(have, #{ kind: "gp3" }) { throw "something that is missing"; }
if !compare::differs(have, #{ rules: [] }) { throw "a list of another length"; }
if !compare::differs(have, #{ rules: "none" }) { throw "another type"; }
if compare::changes(have, #{ size: 9, tags: #{ Name: "web" } }) != #{ size: 9 } { throw "just what differs"; }
if !compare::same_set(["b", "a"], ["a", "b"]) || compare::same_set(["a"], ["a", "b"]) { throw "sets"; }
"#,
    );
}

#[test]
fn what_another_stack_has_is_not_taken() {
    let ended = run(
        r#"
import "compare" as compare;
compare::claim(#{ "opsh:stack": "p" }, "the balancer 'web'");
try {
    compare::claim(#{}, "the balancer 'web'");
    throw "taken";
} catch (problem) {
    if problem.message != "the balancer 'web' exists, but carries no stack's tag" { throw problem; }
}
compare::claim(#{ "opsh:stack": "shop" }, "the balancer 'web'");
"#,
        &["--dry-run"],
    );
    assert_eq!(ended.code, 1);
    let said = "the balancer 'web' exists, but belongs to the stack 'shop'";
    assert!(ended.err.contains(said), "{}", ended.err);
}

#[test]
fn a_rule_whose_source_moved_is_replaced() {
    holds(
        r#"
import "instances" as instances;
let rule = |from| [#{ port: 22, from: from, description: "SSH for me" }];
let vpc = instances::default_vpc();
let group = instances::ensure_security_group("web", vpc, "Web.", rule.call("192.0.2.1/32"));
instances::ensure_security_group("web", vpc, "Web.", rule.call("192.0.2.2/32"));
let rules = ec2::describe_security_group_rules(#{ filters: #{ "group-id": group } }).security_group_rules.filter(|rule| !rule.is_egress);
if rules.map(|rule| rule.cidr_ipv4) != ["192.0.2.2/32"] { throw rules; }
let writes = stack::current().writes;
instances::ensure_security_group("web", vpc, "Web.", rule.call("192.0.2.2/32"));
let behind = instances::ensure_security_group("behind", vpc, "Behind.", rule.call(group));
instances::ensure_security_group("behind", vpc, "Behind.", rule.call(group));
if stack::current().writes != writes + 2 { throw "what was right has been written again"; }
"#,
    );
}

#[test]
fn files_are_uploaded_once_and_removed_when_they_are_no_longer_wanted() {
    let user = user(
        r#"
import "bucket" as bucket;
import "web" as web;
let name = web::ensure_bucket("opsh-files");
s3::put_object(#{ bucket: name, key: "other.txt", body: "not below the prefix" });
let files = bucket::folder("files");
if files.map(|file| file.name) != ["a.css", "deep/b.bin"] { throw files; }
if bucket::ensure_files(name, "static/", files) != ["static/a.css", "static/deep/b.bin"] { throw "not uploaded"; }
if bucket::ensure_files(name, "static/", files) != [] { throw "uploaded again"; }
files.pop();
files[0].content = "body {}";
if bucket::ensure_files(name, "static/", files) != ["static/a.css"] { throw "not just what changed"; }
let left = s3::list_objects_v2(#{ bucket: name }).contents.map(|object| object.key);
if left != ["other.txt", "static/a.css"] { throw left; }
let css = s3::head_object(#{ bucket: name, key: "static/a.css" }).content_type;
if css != "text/css; charset=utf-8" { throw css; }
"#,
    );
    let folder = user.home().join("files/deep");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(user.home().join("files/a.css"), "body { margin: 0 }").unwrap();
    std::fs::write(folder.join("b.bin"), [0, 1, 2]).unwrap();
    let ended = user.opsh(["run", "p.rhai", "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn a_target_groups_port_is_not_changed_behind_anybodys_back() {
    holds(
        r#"
import "balancer" as balancer;
import "instances" as instances;
let wanted = #{ name: "web", protocol: "HTTP", port: 80, vpc_id: instances::default_vpc(), health_check_path: "/" };
balancer::ensure_target_group(wanted, #{});
wanted.health_check_path = "/health";
let arn = balancer::ensure_target_group(wanted, #{ "deregistration_delay.timeout_seconds": "30" });
if elbv2::describe_target_groups(#{ names: ["web"] }).target_groups[0].health_check_path != "/health" { throw "not changed"; }
let writes = stack::current().writes;
if writes != 3 { throw writes; }
wanted.port = 8080;
try {
    balancer::ensure_target_group(wanted, #{});
    throw "changed";
} catch (problem) {
    if problem.kind != "conflict" || !problem.message.contains("another port") { throw problem; }
}
"#,
    );
}

#[test]
fn objects_of_events_are_found_in_every_form() {
    holds(
        r#"
import "events" as events;
let record = #{ eventName: "ObjectCreated:Put", s3: #{ bucket: #{ name: "pics" }, object: #{ key: "a+b%2Fc%2B.png" } } };
let found = [#{ bucket: "pics", key: "a b/c+.png" }];
assert_eq(events::s3_objects(#{ Records: [record] }), found);
// The newer name of the same event, and the event in SNS's.
assert_eq(events::s3_objects(#{ Records: [record + #{ eventName: "s3:ObjectCreated:CompleteMultipartUpload" }] }), found);
let message = text::json_encode(#{ Records: [record] });
assert_eq(events::s3_objects(#{ Records: [#{ EventSource: "aws:sns", Sns: #{ Message: message } }] }), found);
let bridge = #{ source: "aws.s3", "detail-type": "Object Created", detail: #{ bucket: #{ name: "pics" }, object: #{ key: "a b.png" } } };
assert_eq(events::s3_objects(bridge), [#{ bucket: "pics", key: "a b.png" }]);
// What tells of no new object.
assert_eq(events::s3_objects(#{ Records: [record + #{ eventName: "ObjectRemoved:Delete" }] }), []);
assert_eq(events::s3_objects(bridge + #{ "detail-type": "Object Deleted" }), []);
assert_eq(events::s3_objects(#{ Service: "Amazon S3", Event: "s3:TestEvent" }), []);
assert_eq(events::s3_objects(#{}), []);
assert_eq(events::due(#{ time: "2026-11-21T12:05:00Z" }), "2026-11-21T12:05:00Z");
assert(events::due(()).ends_with("Z"));
"#,
    );
}

#[test]
fn failures_in_a_row_are_counted_once_each() {
    holds(
        r#"
import "health" as health;
assert_eq(health::next((), "12:00"), "1 12:00");
assert_eq(health::next("1 12:00", "12:00"), "1 12:00");
assert_eq(health::next("1 12:00", "12:01"), "2 12:01");
assert_eq(health::count("2 12:01"), 2);
assert_eq(health::count(()), 0);
let target = elbv2::create_target_group(#{ name: "web", protocol: "HTTP", port: 80, vpc_id: ec2::describe_vpcs(#{}).vpcs[0].vpc_id }).target_groups[0].target_group_arn;
assert_eq(health::of_group(target, true, "12:00"), #{ before: 0, now: 0 });
assert_eq(elbv2::describe_tags(#{ resource_arns: [target] }).tag_descriptions[0].tags["opsh:failed-checks"], ());
assert_eq(health::of_group(target, false, "12:01"), #{ before: 0, now: 1 });
assert_eq(health::of_group(target, false, "12:01"), #{ before: 1, now: 1 });
assert_eq(health::of_group(target, false, "12:02"), #{ before: 1, now: 2 });
assert_eq(health::of_group(target, true, "12:03"), #{ before: 2, now: 0 });
"#,
    );
}

#[test]
fn subjects_are_what_mail_takes() {
    let ended = run(
        r#"
import "messages" as messages;
let topic = sns::create_topic(#{ name: "news" }).topic_arn;
let long = "";
for n in 0..30 { long += "very "; }
messages::publish(topic, `a → b
c ${long}`, ["one", "two"]);
"#,
        &["--dry-run", "--output", "json"],
    );
    assert_eq!(ended.code, 0, "{}", ended.err);
    let events = ended.events();
    let input = &events
        .iter()
        .find(|event| event["operation"] == "sns::publish")
        .unwrap()["input"];
    assert_eq!(input["message"], "one\ntwo\n");
    let subject = input["subject"].as_str().unwrap();
    assert!(subject.starts_with("a   b c very very"), "{subject}");
    assert_eq!(subject.len(), 100);
}

#[test]
fn a_first_boot_that_failed_is_warned_of_with_the_end_of_its_log() {
    let ended = run(
        r##"
import "instances" as instances;
import "server" as server;
import "webapp" as webapp;
let key = webapp::ensure_key("demo", "");
let group = instances::ensure_security_group("demo", instances::default_vpc(), "Demo.", [#{ port: 22, from: "0.0.0.0/0", description: "SSH" }]);
let id = instances::ensure_instance("demo", #{
    image_id: instances::newest_amazon_linux("x86_64"),
    instance_type: "t3.nano",
    key_name: key.name,
    security_group_ids: [group],
    user_data: text::base64_encode("#!/bin/bash\nset -e\ndnf -y install nonesuch\ndnf -y install httpd\n"),
});
let host = #{ host: instances::describe(id).public_ip_address, user: "ec2-user", key_file: key.file, host_key: "accept-new" };
ssh::wait(host, #{ timeout: "5m" });
if server::wait_for_first_boot(host) { throw "it did not fail"; }
if !server::ensure_package(host, "httpd") || !server::ensure_service(host, "httpd") { throw "it was not made good"; }
"##,
        &["--dry-run"],
    );
    assert_eq!(ended.code, 0, "{}", ended.err);
    let warned = "warning: the first boot of 203.0.113.10 failed; /var/log/cloud-init-output.log ends with:\n  ";
    let at = ended
        .err
        .find(warned)
        .unwrap_or_else(|| panic!("{}", ended.err));
    assert!(
        ended.err[at..].contains("Unable to find a match: nonesuch"),
        "{}",
        ended.err
    );
}

/// Who publishes an object takes nothing from others, nor from what was published before.
#[test]
fn an_object_is_published_beside_what_the_policy_says_already() {
    let user = user("");
    let others = r#"
let bucket = "opsh-shared";
s3::create_bucket(#{ bucket: bucket });
let theirs = #{ Sid: "Theirs", Effect: "Allow", Principal: #{ AWS: "arn:aws:iam::123456789012:root" }, Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/own/*` };
s3::put_bucket_policy(#{ bucket: bucket, policy: text::json_encode(#{ Version: "2012-10-17", Id: "Shared", Statement: theirs }) });
"#;
    let own = r#"
import "web" as web;
let bucket = "opsh-shared";
let urls = ["a.txt", "b.txt"].map(|key| web::publish_object(bucket, key, key, "text/plain").url);
assert_eq(urls.map(|url| http::get(url).body), ["a.txt", "b.txt"]);
let policy = text::json_decode(s3::get_bucket_policy(#{ bucket: bucket }).policy);
assert_eq(policy.Id, "Shared");
assert_eq(policy.Statement.len(), 3);
assert_eq(policy.Statement[0].Sid, "Theirs");
assert(policy.Statement[1].Sid != policy.Statement[2].Sid);
let writes = stack::current().writes;
web::allow_reading(bucket, "a.txt");
assert_eq(stack::current().writes, writes);
"#;
    let look = "print(s3::get_bucket_policy(#{ bucket: \"opsh-shared\" }).policy);";
    let run = |name: &str, text: &str| {
        let file = format!("{name}.rhai");
        std::fs::write(user.home().join(&file), text).unwrap();
        user.opsh(["run", &file, "--local"]).done()
    };
    run("others", others);
    let before = run("look", look).out;
    run("own", own);
    let words = ["undo", "--stack", "own", "--local", "--yes"];
    let undone = user.opsh(words);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!(run("look", look).out, before);
}

#[test]
fn a_fresh_ubuntu_gets_a_package() {
    holds(
        r#"
import "instances" as instances;
import "server" as server;
import "webapp" as webapp;
let key = webapp::ensure_key("demo", "");
let group = instances::ensure_security_group("demo", instances::default_vpc(), "Demo.", [#{ port: 22, from: "0.0.0.0/0", description: "SSH" }]);
let id = instances::ensure_instance("demo", #{ image_id: instances::newest_ubuntu("x86_64"), instance_type: "t3.nano", key_name: key.name, security_group_ids: [group] });
let host = #{ host: instances::describe(id).public_ip_address, user: "ubuntu", key_file: key.file, host_key: "accept-new" };
ssh::wait(host, #{ timeout: "3m" });
server::wait_for_first_boot(host);
assert(server::ensure_package(host, "apache2"));
assert(!server::ensure_package(host, "apache2"));
"#,
    );
}
