//! `uploads`: what visitors gave is moved to S3, and nothing is lost wherever it breaks off.

use serde_json::{Value, json};

use super::{Called, call, plan, read, run};
use crate::support::opsh::User;

/// The steps of a move; a process that dies after some of them has done just these.
const STEPS: [&str; 4] = [
    "let object = uploads::put(host, row, BUCKET, PREFIX);",
    "uploads::verify(object);",
    "row.location = uploads::point(host, DATABASE, row, object);",
    "ssh::run(host, `sudo rm -f -- ${ssh::quote(row.path)}`);",
];

fn application() -> (User, Vec<String>) {
    let user = User::new();
    let text = read("tests/cli/lambda/application.rhai");
    let made = run(&user, "application", &text, &["desired=1".to_owned()]).result();
    let targets = format!("target_group={}", made["target_group"].as_str().unwrap());
    let parameters = [
        targets.as_str(),
        "bucket=opsh-shop-uploads",
        "key_parameter=/shop/key",
        "address=public",
    ];
    (user, parameters.map(str::to_owned).to_vec())
}

/// Where the application is, for statements of a playbook.
const HOST: &str = r#"import "instances" as machines_of;
let id = autoscaling::describe_auto_scaling_groups(#{ auto_scaling_group_names: ["shop"] }).auto_scaling_groups[0].instances[0].instance_id;
let host = #{ host: machines_of::describe(id).public_ip_address, user: "ec2-user", key_file: "shop.key", host_key: "accept-new" };
"#;

/// Does what the application does when visitors upload files: the file whole, then the row.
fn upload(user: &User, names: &[&str]) {
    let names = json!(names);
    let text = format!(
        r#"import "uploads" as uploads;
        {HOST}
        ssh::run(host, "sudo install -d -m 755 /var/lib/app/uploads");
        ssh::run(host, "sudo sqlite3 /var/lib/app/app.db", #{{ stdin: uploads::schema() }});
        for name in {names} {{
            let path = `/var/lib/app/uploads/${{name}}`;
            ssh::upload(host, `the content of ${{name}}`, path, #{{ sudo: true }});
            let quoted = name;
            quoted.replace("'", "''");
            ssh::run(host, "sudo sqlite3 /var/lib/app/app.db", #{{ stdin: `INSERT INTO uploads (name, path) VALUES ('${{quoted}}', '/var/lib/app/uploads/${{quoted}}');` }});
        }}"#
    );
    run(user, "visitors", &text, &[]).result();
}

/// What a visitor gets of each upload, from where its row says it is; and what is left.
fn visit(user: &User) -> Value {
    let text = format!(
        r#"{HOST}
        let rows = text::json_decode(ssh::read(host, "sudo sqlite3 -json /var/lib/app/app.db 'SELECT * FROM uploads ORDER BY id'").stdout);
        #{{
            seen: rows.map(|row| if row.location == () {{
                ssh::read(host, `cat ${{ssh::quote(row.path)}}`).stdout
            }} else {{
                let key = row.location;
                key.replace("s3://opsh-shop-uploads/", "");
                s3::get_object(#{{ bucket: "opsh-shop-uploads", key: key }}).body.as_string()
            }}),
            rows: rows,
            files: text::lines(ssh::read(host, "ls /var/lib/app/uploads").stdout),
            objects: s3::list_objects_v2(#{{ bucket: "opsh-shop-uploads" }}).contents.map(|object| object.key),
        }}"#
    );
    run(user, "visiting", &text, &[]).result()
}

fn moved(called: &Called, count: u32) {
    assert_eq!(
        called.result(),
        json!({"moved": count, "failed": [], "unseen": []})
    );
}

const EVENT: Value = Value::Null;

#[test]
fn uploads_are_moved_and_their_rows_point_at_them() {
    let (user, parameters) = application();
    let names = ["cat.txt", "it's a dog.txt", "-rf"];
    upload(&user, &names);
    insta::assert_snapshot!("uploads", plan(&user, "uploads", &EVENT, &parameters));
    moved(&call(&user, "uploads", &EVENT, &parameters), 3);
    let after = visit(&user);
    let contents: Vec<String> = names
        .iter()
        .map(|name| format!("the content of {name}"))
        .collect();
    assert_eq!(after["seen"], json!(contents));
    assert_eq!(after["files"], json!([]));
    assert_eq!(after["objects"].as_array().unwrap().len(), 3);
    assert!(after["rows"][0]["path"].is_null());
    let location = after["rows"][1]["location"].as_str().unwrap();
    assert!(
        location.starts_with("s3://opsh-shop-uploads/uploads/"),
        "{location}"
    );
    assert!(location.ends_with("/it-s-a-dog-txt"), "{location}");
    // Again there is nothing to do.
    let again = call(&user, "uploads", &EVENT, &parameters);
    moved(&again, 0);
    assert!(again.inputs("s3::put_object").is_empty());
    assert!(!user.home().join(".opsh/uploads-key").exists());
}

#[test]
fn nothing_is_lost_wherever_a_move_breaks_off() {
    let (user, parameters) = application();
    let mut contents = Vec::new();
    for done in 0..=STEPS.len() {
        let name = format!("{done}.txt");
        contents.push(format!("the content of {name}"));
        upload(&user, &[&name]);
        // A call that dies after so many steps…
        let steps = STEPS[..done].join("\n");
        let dying = format!(
            "{HOST}\nlet row = uploads::waiting(host, DATABASE, 1)[0];\n{steps}\nthrow \"killed\";"
        );
        let script = read("playbooks/lambda/uploads.rhai");
        let died = run(&user, "dying", &format!("{script}\n{dying}"), &parameters);
        assert_eq!(died.0.code, 1);
        assert!(died.0.out.contains("killed"), "{}", died.0.out);
        // …loses nothing that a visitor sees…
        if done < STEPS.len() {
            assert_eq!(visit(&user)["seen"], json!(contents), "after {done} steps");
        }
        // …and the next one goes on from there.
        moved(&call(&user, "uploads", &EVENT, &parameters), 1);
        let after = visit(&user);
        assert_eq!(after["seen"], json!(contents), "after {done} steps");
        assert_eq!(after["files"], json!([]), "after {done} steps");
        assert_eq!(after["objects"].as_array().unwrap().len(), done + 1);
    }
}

#[test]
fn a_file_that_cannot_be_moved_stays_and_keeps_no_other() {
    let (user, mut parameters) = application();
    upload(&user, &["one.txt", "two.txt"]);
    let text = format!("{HOST}\nssh::run(host, \"sudo rm /var/lib/app/uploads/one.txt\");");
    run(&user, "losing", &text, &[]).result();
    let called = call(&user, "uploads", &EVENT, &parameters).result();
    assert_eq!(called["moved"], 1);
    assert_eq!(called["failed"][0]["name"], "one.txt");
    // Where S3 refuses, the file stays where it is.
    upload(&user, &["three.txt"]);
    parameters.extend(["--deny".to_owned(), "s3:PutObject".to_owned()]);
    let called = call(&user, "uploads", &EVENT, &parameters).result();
    assert_eq!(called["moved"], 0);
    assert_eq!(called["failed"][1]["name"], "three.txt");
    let reason = called["failed"][1]["reason"].as_str().unwrap();
    assert!(reason.contains("s3:PutObject"), "{reason}");
    let left = std::fs::read_dir(user.home().join(".opsh")).unwrap();
    let left = left.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("upload")
    });
    assert_eq!(left.count(), 0);
    let after = visit_of(&user, "three.txt");
    assert_eq!(after, "the content of three.txt");
}

fn visit_of(user: &User, name: &str) -> String {
    let text = format!("{HOST}\nssh::read(host, \"cat /var/lib/app/uploads/{name}\").stdout");
    let seen = run(user, "visiting", &text, &[]).result();
    seen.as_str().unwrap().to_owned()
}
