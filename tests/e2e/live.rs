//! Small playbooks, live against moto's server.

use serde_json::{Value, json};

use crate::support::component::demand;
use crate::support::moto::{Moto, REGION};
use crate::support::opsh::User;
use crate::support::resources::{planned, witnessed};

/// Runs the text of a playbook as `small.rhai`, live, and gives its events.
fn live(user: &User, text: &str, options: &[&str]) -> Vec<Value> {
    std::fs::write(user.home().join("small.rhai"), text).unwrap();
    user.opsh(["run", "small.rhai", "--output=json"].iter().chain(options))
        .done()
        .events()
}

#[test]
fn what_a_playbook_makes_is_there_for_others_and_has_our_tags() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let events = live(
        &user,
        r#"
            let vpc = ec2::describe_vpcs(#{ filters: #{ "is-default": "true" } }).vpcs[0].vpc_id;
            let group = ec2::create_security_group(#{
                group_name: "small", description: "A small one.", vpc_id: vpc, tags: #{ team: "web" },
            }).group_id;
            ec2::authorize_security_group_ingress(#{
                group_id: group,
                ip_permissions: [#{
                    ip_protocol: "tcp", from_port: 80, to_port: 81,
                    ip_ranges: [#{ cidr_ip: "192.0.2.0/24", description: "two ports" }],
                }],
            });
        "#,
        &["--stack=tiny"],
    );
    let exists = witnessed(&moto.witness("resources"));
    let expected = witnessed(&json!([
        {"kind": "security group", "name": "small", "description": "A small one.",
         "tags": {"team": "web", "opsh:stack": "tiny"}},
        {"kind": "ingress rule", "group": "small", "protocol": "tcp", "from": 80, "to": 81,
         "source": "192.0.2.0/24", "description": "two ports"},
    ]));
    assert_eq!(exists, expected);
    assert_eq!(
        planned(&events, "tiny"),
        expected,
        "the steps say the same as boto3"
    );
}

#[test]
fn listings_page_by_themselves() {
    let Some(moto) = demand(Moto::take()) else {
        return;
    };
    let user = User::of(&moto.endpoint, REGION);
    let events = live(
        &user,
        r"
            for part in 0..6 { // each small enough that the SDK does not compress it: moto cannot read that
                let data = [];
                for i in 0..100 { data.push(#{ metric_name: `m${part}-${i}`, value: 1.0 }); }
                cloudwatch::put_metric_data(#{ namespace: `many`, metric_data: data });
            }
            #{
                all: cloudwatch::list_metrics(#{ namespace: `many` }).metrics.len(),
                limited: cloudwatch::list_metrics(#{ namespace: `many` }, #{ limit: 3 }).metrics.len(),
            }
        ",
        &[],
    );
    let result = &events.last().unwrap()["value"];
    assert_eq!(result, &json!({"all": 600, "limited": 3}));
}
