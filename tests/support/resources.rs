//! What a plan says will exist, in the words in which `tests/e2e/witness.py` says what does.
//!
//! Ids differ from world to world, so each is replaced by the name of what it stands for; so do
//! images, accounts and the run in our tags, which are left out. Everything else must be equal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Resources, one compact JSON text each, so that two sets can be told apart line by line.
pub type Resources = BTreeSet<String>;

/// What `witness.py resources` listed.
pub fn witnessed(listed: &Value) -> Resources {
    listed.as_array().unwrap().iter().map(line).collect()
}

/// The same set without what an account cannot remove: metrics expire by themselves.
pub fn removable(resources: &Resources) -> Resources {
    resources
        .iter()
        .filter(|resource| !resource.contains(r#""kind":"metric""#))
        .cloned()
        .collect()
}

/// What the writes of `opsh run --dry-run --output json` make, with the tags that opsh adds.
pub fn planned(events: &[Value], stack: &str) -> Resources {
    let mut plan = Plan {
        stack: stack.to_owned(),
        ..Plan::default()
    };
    for event in events {
        if event["event"] == "step" && event["effect"] == "write" {
            assert_eq!(event["ok"], true, "a planned step fails: {event}");
            plan.write(event);
        }
    }
    plan.resources.into_values().map(|one| line(&one)).collect()
}

#[derive(Default)]
struct Plan {
    stack: String,
    /// By kind and name, in the order that later steps complete them.
    resources: BTreeMap<(&'static str, String), Value>,
    /// Of ids.
    names: BTreeMap<String, String>,
}

impl Plan {
    fn add(&mut self, kind: &'static str, key: String, mut resource: Value) {
        resource["kind"] = kind.into();
        self.resources.insert((kind, key), resource);
    }

    fn tags(&self, given: &Value) -> Value {
        let mut tags = given.as_object().cloned().unwrap_or_default();
        tags.insert("opsh:stack".to_owned(), self.stack.as_str().into());
        tags.into()
    }

    fn name(&self, id: &Value) -> Value {
        let id = text(id);
        self.names.get(&id).cloned().unwrap_or(id).into()
    }

    fn dimensions(&self, listed: &Value) -> Value {
        list(listed)
            .iter()
            .map(|one| (text(&one["name"]), self.name(&one["value"])))
            .collect::<Map<_, _>>()
            .into()
    }

    /// What one write makes or completes; what happens on the machine or on disk is not AWS's.
    fn write(&mut self, step: &Value) {
        let input = &step["input"];
        let made = |at: usize| text(&step["made"][at]["id"]);
        match step["operation"].as_str().unwrap() {
            "ec2::run_instances" => self.instances(step),
            "ec2::create_security_group" => {
                let name = text(&input["group_name"]);
                self.names.insert(made(0), name.clone());
                let group = json!({
                    "name": name, "description": input["description"], "tags": self.tags(&input["tags"]),
                });
                self.add("security group", name, group);
            }
            "ec2::authorize_security_group_ingress" => self.rules(input),
            "ec2::import_key_pair" => {
                let name = text(&input["key_name"]);
                let pair =
                    json!({"name": name, "type": "ed25519", "tags": self.tags(&input["tags"])});
                self.add("key pair", name, pair);
            }
            "s3::create_bucket" => {
                let name = text(&input["bucket"]);
                let bucket = json!({"name": name, "tags": {}, "public_access_block": null});
                self.add("bucket", name, bucket);
            }
            "s3::put_bucket_tagging" => {
                self.bucket(input)["tags"] = input["tagging"]["tag_set"].clone();
            }
            "s3::put_public_access_block" => {
                let block = input["public_access_block_configuration"].clone();
                self.bucket(input)["public_access_block"] = block;
            }
            "s3::put_bucket_policy" => {
                let name = text(&input["bucket"]);
                let policy: Value =
                    serde_json::from_str(input["policy"].as_str().unwrap()).unwrap();
                self.add(
                    "bucket policy",
                    name.clone(),
                    json!({"bucket": name, "policy": policy}),
                );
            }
            "s3::put_object" => {
                let object = json!({
                    "bucket": input["bucket"], "key": input["key"],
                    "content_type": input["content_type"],
                    "sha256": input["metadata"]["sha256"],
                    "metadata": input["metadata"],
                });
                self.add("object", text(&input["key"]), object);
            }
            "cloudwatch::put_metric_alarm" => self.alarm(input),
            "cloudwatch::put_metric_data" => self.metrics(input),
            other => {
                let local = ["ssh::", "file::", "http::", "log::", "term::"];
                assert!(
                    local.iter().any(|module| other.starts_with(module)),
                    "what {other} makes is not compared yet: add it here and to witness.py"
                );
            }
        }
    }

    fn instances(&mut self, step: &Value) {
        let input = &step["input"];
        let name = text(&input["tags"]["Name"]);
        for made in list(&step["made"]) {
            self.names.insert(text(&made["id"]), name.clone());
        }
        let groups: Vec<_> = list(&input["security_group_ids"])
            .iter()
            .map(|id| self.name(id))
            .collect();
        let instance = json!({
            "name": name,
            "type": input["instance_type"],
            "key": input["key_name"],
            "groups": groups,
            "monitoring": input["monitoring"]["enabled"],
            "http_tokens": input["metadata_options"]["http_tokens"],
            "user_data": input["user_data"],
            "tags": self.tags(&input["tags"]),
        });
        self.add("instance", name, instance);
    }

    fn rules(&mut self, input: &Value) {
        let group = self.name(&input["group_id"]);
        for rule in list(&input["ip_permissions"]) {
            for range in list(&rule["ip_ranges"]) {
                let one = json!({
                    "group": group,
                    "protocol": rule["ip_protocol"],
                    "from": rule["from_port"],
                    "to": rule["to_port"],
                    "source": range["cidr_ip"],
                    "description": range["description"],
                });
                self.add("ingress rule", one.to_string(), one);
            }
        }
    }

    fn bucket(&mut self, input: &Value) -> &mut Value {
        let key = ("bucket", text(&input["bucket"]));
        self.resources.get_mut(&key).expect("a bucket of this plan")
    }

    fn alarm(&mut self, input: &Value) {
        let alarm = json!({
            "name": input["alarm_name"],
            "description": input["alarm_description"],
            "namespace": input["namespace"],
            "metric": input["metric_name"],
            "dimensions": self.dimensions(&input["dimensions"]),
            "statistic": input["statistic"],
            "period": input["period"],
            "evaluation_periods": input["evaluation_periods"],
            "threshold": input["threshold"],
            "comparison": input["comparison_operator"],
            "missing": input["treat_missing_data"],
        });
        self.add("alarm", text(&input["alarm_name"]), alarm);
    }

    fn metrics(&mut self, input: &Value) {
        for datum in list(&input["metric_data"]) {
            let metric = json!({
                "namespace": input["namespace"],
                "name": datum["metric_name"],
                "dimensions": self.dimensions(&datum["dimensions"]),
            });
            self.add("metric", metric.to_string(), metric);
        }
    }
}

/// A resource as a line: keys in order, the run of our tags left out.
fn line(resource: &Value) -> String {
    sorted(resource).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let ordered: BTreeMap<_, _> = entries
                .iter()
                .filter(|(name, _)| *name != "opsh:run")
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        // 80 and 80.0 are one number to AWS.
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
