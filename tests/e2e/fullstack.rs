//! The whole application against moto's server, with boto3 as the witness of what exists.
//!
//! What moto lacks is added to it in `lacking.py`; its machines run nothing, so that a site
//! of the tests stands in for what the balancer would answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::component::{demand, file, program};
use crate::support::machine::Machine;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::{Ended, User, writes};
use crate::support::program::smallest_program;
use crate::support::site::{Page, Site};

/// Kinds whose ids the service makes up.
const NUMBERED: [&str; 8] = [
    "autoscaling:policy",
    "ec2:launch-template",
    "ec2:security-group",
    "ec2:security-group-rule",
    "elasticloadbalancing:listener",
    "elasticloadbalancing:loadbalancer",
    "elasticloadbalancing:targetgroup",
    "sns:subscription",
];

/// Kind and id, in order.
type Listed = Vec<(String, String)>;

struct Scene {
    moto: Moto,
    site: Site,
    user: User,
}

impl Scene {
    fn set() -> Option<Self> {
        let moto = demand(Moto::take())?;
        let user = User::of(&moto.endpoint, REGION);
        std::fs::write(user.home().join("program"), smallest_program()).unwrap();
        let page = Page::ok("text/html", "<h1>It works</h1>");
        Some(Self {
            site: Site::start(BTreeMap::from([("/", page)])),
            user,
            moto,
        })
    }

    fn run(&self, options: &[&str]) -> Ended {
        let playbook = file("playbooks/fullstack.rhai").display().to_string();
        let words = [
            "run",
            &playbook,
            "--output=json",
            "golden=false",
            "function_binary=program",
            "sms=+15551234567",
        ];
        self.user.opsh(words.iter().chain(options)).done()
    }

    fn deploy(&self, options: &[&str]) -> Ended {
        // Whoever asks the balancer asks the site.
        let port = self.site.url.rsplit(':').next().unwrap();
        let connect = format!("--connect-to=:80:127.0.0.1:{port}");
        self.run(&[&[connect.as_str()], options].concat())
    }

    /// What boto3 sees; of the group's own instances how many there are.
    fn witnessed(&self) -> (Listed, usize, Vec<String>) {
        let all: Listed = serde_json::from_value(self.moto.witness("ids")).unwrap();
        let of = |wanted: &str| -> Vec<String> {
            all.iter()
                .filter(|(kind, _)| kind == wanted)
                .map(|(_, id)| id.clone())
                .collect()
        };
        let (machines, limits) = (of("group's instance").len(), of("group's limits"));
        let mut rest: Listed = all
            .iter()
            .filter(|(kind, _)| !kind.starts_with("group's"))
            .cloned()
            .collect();
        rest.sort();
        (rest, machines, limits)
    }

    /// What the ledger knows of the stack.
    fn known(&self) -> Listed {
        let ended = self.user.opsh(["ls", "fullstack", "--output=json"]).done();
        listed(ended.events().iter())
    }
}

fn listed<'e>(all: impl Iterator<Item = &'e Value>) -> Listed {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Listed = all
        .map(|one| (text(&one["kind"]), text(&one["id"])))
        .collect();
    all.sort();
    all
}

/// What the steps of a plan make, and what they do not take away again.
fn planned(plan: &Ended) -> Listed {
    let events = plan.events();
    let made = events
        .iter()
        .filter(|event| event["event"] == "step" && event["effect"] == "write")
        .flat_map(|event| event["made"].as_array().cloned().unwrap_or_default());
    let all: Vec<Value> = made.collect();
    listed(all.iter())
}

/// The same without ids that are made up.
fn plain(all: &Listed) -> Listed {
    let mut all: Listed = all
        .iter()
        .map(|(kind, id)| {
            let numbered = NUMBERED.contains(&kind.as_str());
            (
                kind.clone(),
                if numbered { String::new() } else { id.clone() },
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_is_planned_exists_is_updated_found_again_and_removed() {
    let Some(scene) = Scene::set() else {
        return;
    };
    let (before, ..) = scene.witnessed();
    let plan = scene.run(&["--dry-run", &format!("--region={REGION}")]);
    scene.deploy(&[]);
    let known = scene.known();
    assert_eq!(plain(&planned(&plan)), plain(&known), "plan and ledger");
    let (exists, machines, limits) = scene.witnessed();
    let new: Listed = exists
        .iter()
        .filter(|one| !before.contains(one))
        .cloned()
        .collect();
    assert_eq!(new, known, "boto3 and ledger");
    assert_eq!((machines, &limits[..]), (2, &["2 to 3".to_owned()][..]));

    let again = scene.deploy(&[]);
    assert_eq!(writes(&again), [""; 0]);
    let larger = scene.deploy(&["max_size=4"]);
    assert_eq!(writes(&larger), ["autoscaling::update_auto_scaling_group"]);
    let (updated, machines, limits) = scene.witnessed();
    assert_eq!(updated, exists);
    assert_eq!((machines, &limits[..]), (2, &["2 to 4".to_owned()][..]));

    // The ledger is lost: what carries the stack's tag is found again.
    std::fs::remove_dir_all(scene.user.home().join(".opsh")).unwrap();
    let adopt = ["adopt", "--stack", "fullstack", "--output=json"];
    scene.user.opsh(adopt).done();
    let adopted: BTreeSet<(String, String)> = scene.known().into_iter().collect();
    let all: BTreeSet<(String, String)> = known.into_iter().collect();
    assert!(adopted.is_subset(&all), "{adopted:#?}");
    // What goes with something that is adopted needs no record of its own.
    let parts = [
        "s3:object",
        "elasticloadbalancing:listener",
        "autoscaling:policy",
        "sns:subscription",
        "lambda:permission",
    ];
    for (kind, id) in all.difference(&adopted) {
        assert!(parts.contains(&kind.as_str()), "{kind} {id} is not adopted");
    }

    let teardown = file("playbooks/teardown.rhai").display().to_string();
    let words = [
        "run",
        &teardown,
        "stack=fullstack",
        "--yes",
        "--output=json",
    ];
    let removed = scene.user.opsh(words).done();
    assert!(!writes(&removed).is_empty());
    let (left, machines, limits) = scene.witnessed();
    assert_eq!(left, before, "boto3 still sees something");
    assert_eq!((machines, limits.len()), (0, 0));
    let twice = scene.user.opsh(words).done();
    assert_eq!(writes(&twice), [""; 0]);
}

#[test]
fn a_real_web_server_takes_what_visitors_upload_and_gives_it_back() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let needs = demand(Machine::behind(&moto)).zip(demand(program("sqlite3")));
    let Some((machine, _)) = needs else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    std::fs::write(user.home().join("program"), smallest_program()).unwrap();
    let playbook = file("playbooks/fullstack.rhai").display().to_string();
    let words = [
        "run",
        &playbook,
        "--output=json",
        "golden=false",
        "function_binary=program",
        "functions=",
        "min_size=1",
        "max_size=1",
        "uploads_from=198.51.100.0/24",
    ];
    let connect = machine.connect_to();
    let connected = || words.iter().map(ToString::to_string).chain(connect.clone());
    let deployed = user.opsh(connected()).done();
    let url = deployed.events().pop().unwrap()["value"]["url"].clone();

    let visitor = r#"
        let url = param("url");
        let image = blob();
        for number in 0..256 { image.push(number); }
        let text = http::post(url + "uploads/it's%20a%20cat.txt", #{ body: "the content" });
        let picture = http::post(url + "uploads/image.png", #{ body: image });
        let place = |answer| text::lines(answer.body)[0].sub_string(1);
        let given = [http::get(url + place.call(text)), http::get(url + place.call(picture))];
        let elsewhere = "uploads/" + text::sha256("another") + "/other.txt";
        let moved = http::get(url + elsewhere, #{ redirects: 0 });
        let nothing = ["uploads/", "uploads/.htaccess"].map(|path| http::post(url + path, #{ body: "x" }).status);
        let host = #{ host: "fullstack", user: "ec2-user", key_file: ".opsh/keys/fullstack", host_key: "accept-new" };
        let rows = ssh::read(host, "sudo sqlite3 /var/lib/app/*.db 'SELECT name, location IS NULL FROM uploads ORDER BY id'").stdout;
        #{
            statuses: [text.status, picture.status],
            text: given[0].body,
            same: given[1].body == image,
            policy: given[1].headers["content-security-policy"],
            moved: [moved.status, moved.headers.location.ends_with(elsewhere)],
            refused: nothing + [http::get(url + "uploads/none/x").status],
            rows: text::lines(rows),
        }"#;
    std::fs::write(user.home().join("visitor.rhai"), visitor).unwrap();
    let url = format!("url={}", url.as_str().unwrap());
    let words = ["run", "visitor.rhai", "--output=json", &url].map(str::to_owned);
    let seen = user.opsh(words.into_iter().chain(connect)).done();
    assert_eq!(
        seen.events().pop().unwrap()["value"],
        json!({
            "statuses": [201, 201],
            "text": "the content",
            "same": true,
            "policy": "sandbox",
            "moved": [302, true],
            "refused": [400, 400, 404],
            "rows": ["it-s-a-cat.txt|1", "image.png|1"],
        })
    );
}

#[test]
fn a_machine_that_is_set_up_over_ssh_is_what_the_group_launches() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let Some(machine) = demand(Machine::behind(&moto)) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let seen = |moto: &Moto| -> Listed {
        let mut all: Listed = serde_json::from_value(moto.witness("ids")).unwrap();
        all.sort();
        all
    };
    let before = seen(&moto);
    let run = |playbook: &str, more: &[&str]| {
        let words = ["run", playbook, "--output=json"];
        let words = words.iter().chain(more).map(ToString::to_string);
        user.opsh(words.chain(machine.connect_to())).done()
    };
    let shipped = |name: &str| {
        let path = file(&format!("playbooks/{name}.rhai"));
        path.display().to_string()
    };
    let parameters = [
        "functions=",
        "min_size=1",
        "max_size=1",
        "host_key=accept-new", // moto's consoles show no keys
        "ssh_from=198.51.100.7",
    ];
    let deployed = run(&shipped("fullstack"), &parameters);
    assert!(writes(&deployed).contains(&"ec2::create_image".to_owned()));
    let made = deployed.events().pop().unwrap()["value"].clone();
    assert!(made["golden_instance"].as_str().unwrap().starts_with("i-"));

    // The group's own instance boots from the image: nobody sets it up, and it serves.
    let look = r#"
        let url = param("url");
        let group = autoscaling::describe_auto_scaling_groups(#{}).auto_scaling_groups[0];
        let launched = group.instances[0].instance_id;
        let template = #{ launch_template_id: group.launch_template.launch_template_id, versions: ["$Latest"] };
        let data = ec2::describe_launch_template_versions(template).launch_template_versions[0].launch_template_data;
        let host = #{ user: "ec2-user", key_file: ".opsh/keys/fullstack", host_key: "accept-new" };
        let here = "";
        let tries = 0;
        while !here.contains(launched) {
            // Until then it is the golden instance, whose key is another, or nobody: each time a host of
            // a name that has no key yet.
            tries += 1;
            host.host = `launched-${tries}`;
            try { here = ssh::read(host, "cat /var/lib/cloud/data/instance-id").stdout; } catch {}
            sleep(0.2);
        }
        #{
            image: data.image_id,
            tokens: data.metadata_options.http_tokens,
            user_data: data.user_data,
            page: http::get(url, #{ check: true }).body.contains("<h1>It works</h1>"),
        }"#;
    std::fs::write(user.home().join("look.rhai"), look).unwrap();
    let url = format!("url={}", made["url"].as_str().unwrap());
    let looked = run("look.rhai", &[&url, "--deadline=5m"]);
    let looked = looked.events().pop().unwrap()["value"].clone();
    assert_eq!(
        looked,
        json!({"image": made["image"], "tokens": "required", "user_data": null, "page": true})
    );

    assert_eq!(writes(&run(&shipped("fullstack"), &parameters)), [""; 0]);
    run(&shipped("teardown"), &["stack=fullstack", "--yes"]);
    assert_eq!(seen(&moto), before, "boto3 still sees something");
}
