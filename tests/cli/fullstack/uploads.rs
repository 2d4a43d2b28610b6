//! Visitors upload files to the application, and the function that `fullstack` deployed
//! moves them to the bucket: none is lost and none is there twice, wherever it dies.

use serde_json::{Value, json};

use super::{deploy, look, only_write};
use crate::cli::shipped;
use crate::support::opsh::{Ended, User, result, writes};

/// One machine behind the balancer, so that each visit is to the one that has the file.
const DEPLOYED: [&str; 5] = [
    "golden=false",
    "functions=",
    "min_size=1",
    "max_size=1",
    "uploads_from=0.0.0.0/0",
];

/// Where a killed run may have been.
const POINTS: [&str; 5] = [
    "before-intent",
    "after-intent",
    "accepted",
    "answered",
    "recorded",
];

/// A deployed application.
struct Application {
    user: User,
    url: String,
    bucket: String,
}

impl Application {
    fn new() -> Self {
        Self::deployed(&DEPLOYED)
    }

    fn deployed(parameters: &[&str]) -> Self {
        let user = User::new();
        let made = result(&deploy(&user, parameters));
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            url: text("url"),
            bucket: text("bucket"),
            user,
        }
    }

    /// What a playbook `text` gives that knows `url`, and `said`.
    fn ask(&self, text: &str, said: &str) -> Value {
        let text = format!("let url = param(\"url\"); let said = param(\"said\");\n{text}");
        let parameters = [format!("url={}", self.url), format!("said={said}")];
        look(&self.user, &text, &[&parameters[0], &parameters[1]])
    }

    /// Uploads a text; gives the path that the application answers.
    fn upload(&self, name: &str) -> String {
        let text = r#"let answer = http::post(`${url}uploads/${said}`, #{ body: `the content of ${said}` });
            [answer.status, text::lines(answer.body)[0]]"#;
        let answer = self.ask(text, name);
        assert_eq!(answer[0], 201, "{answer}");
        answer[1].as_str().unwrap().to_owned()
    }

    /// What a visitor gets at a path: the last answer's status, text and place.
    fn visit(&self, path: &str) -> (u64, String, String) {
        let text = r#"let seen = http::get(url + said); [seen.status, seen.body, seen.url]"#;
        let seen = self.ask(text, path.trim_start_matches('/'));
        let text = |index: usize| seen[index].as_str().unwrap().to_owned();
        (seen[0].as_u64().unwrap(), text(1), text(2))
    }

    /// The rows of the machine's database.
    fn rows(&self) -> Vec<Value> {
        let select = "sqlite3 -json /var/lib/app/*.db 'SELECT name, path, location FROM uploads ORDER BY id'";
        let words = ["local", "exec", "fullstack", "--", select];
        serde_json::from_str(&self.user.opsh(words).done().out).unwrap()
    }

    /// The keys below `uploads/` in the bucket.
    fn keys(&self) -> Vec<String> {
        let text = "s3::list_objects_v2(#{ bucket: said, prefix: \"uploads/\" }).contents.map(|object| object.key)";
        serde_json::from_value(self.ask(text, &self.bucket)).unwrap()
    }

    fn wait(&self, by: &str) {
        self.user.opsh(["local", "advance", by]).done();
    }

    /// Calls the function as its schedule does, in a process that may be killed.
    fn moves(&self, options: &[&str]) -> Ended {
        let environment = r#"lambda::get_function_configuration(#{ function_name: "fullstack-uploads" }).environment.variables"#;
        let variables = self.ask(environment, "");
        let parameters: Vec<String> = variables
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "OPSH_STACK")
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        let script = shipped("lambda/uploads");
        let words = ["lambda", "invoke", &script, "--local", "--output=json"];
        let all = words.into_iter().chain(options.iter().copied());
        self.user
            .opsh(all.chain(parameters.iter().map(String::as_str)))
    }
}

#[test]
fn what_visitors_upload_is_served_and_moved_to_the_bucket() {
    let application = Application::new();
    let path = application.upload("cat.txt");
    assert!(
        path.starts_with("/uploads/") && path.ends_with("/cat.txt"),
        "{path}"
    );
    let (status, body, place) = application.visit(&path);
    assert_eq!((status, body.as_str()), (200, "the content of cat.txt"));
    assert!(place.starts_with(&application.url), "{place}");
    // What is no text arrives as it was sent.
    let image = r#"let image = blob(); for number in 0..256 { image.push(number); }
        let answer = http::post(`${url}uploads/${said}`, #{ body: image });
        let seen = http::get(url + text::lines(answer.body)[0].sub_string(1));
        [answer.status, seen.body == image, seen.content_type]"#;
    let seen = application.ask(image, "image.png");
    assert_eq!(seen, json!([201, true, "image/png"]));
    // Names are made harmless, and what is none is refused.
    assert!(
        application
            .upload("it's%20a%20dog")
            .ends_with("/it-s-a-dog")
    );
    for name in ["", ".htaccess"] {
        let answer = application.ask(
            "http::post(`${url}uploads/${said}`, #{ body: \"x\" }).status",
            name,
        );
        assert_eq!(answer, 400, "{name}");
    }
    assert_eq!(application.visit("uploads/../../etc/passwd").0, 404);
    assert_eq!(application.visit("uploads/nothing/here").0, 404);

    application.wait("2m");
    assert_eq!(application.keys().len(), 3);
    let (status, body, place) = application.visit(&path);
    assert_eq!((status, body.as_str()), (200, "the content of cat.txt"));
    assert!(place.contains(&application.bucket), "{place}");
    for row in application.rows() {
        assert!(
            row["path"].is_null() && row["location"].is_string(),
            "{row}"
        );
    }
    // It is the application that changes, not what its parameters describe.
    assert_eq!(writes(&deploy(&application.user, &DEPLOYED)), [""; 0]);
    // Without uploads nobody may log in any more.
    let closed = deploy(&application.user, &DEPLOYED[..4]);
    let all = writes(&closed);
    assert!(
        all.contains(&"ec2::revoke_security_group_ingress".to_owned()),
        "{all:?}"
    );
    let removed = deploy(&application.user, &["do=teardown", "--yes"]);
    assert_eq!(result(&removed)["left"], json!([]));
    let parameters =
        r#"ssm::get_parameters_by_path(#{ path: "/opsh", recursive: true }).parameters.len()"#;
    assert_eq!(application.ask(parameters, ""), 0);
}

#[test]
fn no_upload_is_lost_or_there_twice_wherever_the_function_is_killed() {
    let application = Application::new();
    let mut paths = vec![application.upload("first.txt")];
    let undisturbed = application.moves(&[]).done();
    let steps: Vec<(String, String)> = undisturbed
        .events()
        .iter()
        .filter(|event| event["event"] == "step" && event["effect"] == "write")
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("step"), text("operation"))
        })
        .collect();
    let moving = steps
        .iter()
        .filter(|(_, operation)| operation != "file::write");
    assert!(moving.count() >= 4, "{steps:?}");
    let all = std::env::var("OPSH_CRASH_MATRIX").is_ok_and(|which| which == "all");
    let mut killed = 0;
    for (index, (step, operation)) in steps.iter().enumerate() {
        for (at, point) in POINTS.into_iter().enumerate() {
            if !all && at != index % POINTS.len() {
                continue;
            }
            let case = format!("{operation} (step {step}) {point}");
            let crash = format!("crash {step} {point}");
            // The function's own schedule may come first, and leave nothing to do.
            let died = (0..3).any(|time| {
                paths.push(application.upload(&format!("{step}-{point}-{time}.txt")));
                application.moves(&["--fault", &crash]).code == -1
            });
            assert!(died, "{case}");
            killed += 1;
            // What a visitor sees between the death and the next time…
            seen_by_visitors(&application, &paths[paths.len() - 1..], &case);
        }
    }
    assert!(killed >= steps.len());
    // …and after it.
    application.wait("2m");
    seen_by_visitors(&application, &paths, "in the end");
    let rows = application.rows();
    assert_eq!(rows.len(), paths.len());
    let mut locations: Vec<String> = rows
        .iter()
        .map(|row| {
            assert!(row["path"].is_null(), "{row}");
            row["location"].as_str().unwrap().to_owned()
        })
        .collect();
    locations.sort();
    let mut keys: Vec<String> = application
        .keys()
        .into_iter()
        .map(|key| format!("s3://{}/{key}", application.bucket))
        .collect();
    keys.sort();
    assert_eq!(locations, keys, "each file is in the bucket once");
    let left = ["local", "exec", "fullstack", "--", "ls /var/www/uploads"];
    assert_eq!(application.user.opsh(left).done().out, "");
}

fn seen_by_visitors(application: &Application, paths: &[String], when: &str) {
    for path in paths {
        let (status, body, _) = application.visit(path);
        let name = path.rsplit('/').next().unwrap();
        assert_eq!(
            (status, body),
            (200, format!("the content of {name}")),
            "{path} {when}"
        );
    }
}

#[test]
fn uploads_are_turned_on_later_and_the_machines_get_what_they_need() {
    let user = User::new();
    deploy(&user, &DEPLOYED[..4]);
    let on = deploy(&user, &DEPLOYED);
    let all = writes(&on);
    for operation in [
        "ec2::authorize_security_group_ingress",
        "ec2::create_launch_template_version",
        "ssm::put_parameter",
        "lambda::create_function",
    ] {
        assert!(
            all.iter().any(|one| one == operation),
            "{operation}: {all:?}"
        );
    }
    let refreshed = [&DEPLOYED[..], &["refresh=true"]].concat();
    let (operation, _) = only_write(&deploy(&user, &refreshed));
    assert_eq!(operation, "autoscaling::start_instance_refresh");
}

/// It is restarted for its image and shows its host keys on its console no more.
#[test]
fn what_the_golden_instance_took_is_moved_and_without_uploads_nobody_takes_any() {
    let application = Application::deployed(&DEPLOYED[1..]);
    for name in ["1.txt", "2.txt", "3.txt", "4.txt"] {
        application.upload(name);
    }
    application.wait("3m");
    assert_eq!(application.keys().len(), 4);

    let off = [&DEPLOYED[1..4], &["refresh=true"]].concat();
    let all = writes(&deploy(&application.user, &off));
    for operation in ["ssm::delete_parameter", "lambda::delete_function"] {
        assert!(
            all.iter().any(|one| one == operation),
            "{operation}: {all:?}"
        );
    }
    let kinds = application.user.opsh(["ls", "fullstack", "--local"]).done();
    for kind in ["lambda:", "ssm:", "scheduler:", "iam:"] {
        assert!(!kinds.out.contains(kind), "{}", kinds.out);
    }
    let refused = r#"let all = []; for visit in 0..4 { all.push(http::post(url + "uploads/5.txt", #{ body: "x" }).status); } all"#;
    assert_eq!(application.ask(refused, ""), json!([404, 404, 404, 404]));
    assert_eq!(writes(&deploy(&application.user, &off)), [""; 0]);
}
