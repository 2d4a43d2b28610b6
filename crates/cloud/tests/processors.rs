//! Processor sharing: who computes on a simulated host, how long it takes, what is measured.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opsh_cloud::Cloud;
use opsh_cloud::furnish::{AL2023_X86_64, Options};
use opsh_cloud::services::cloudwatch::metric::{Dimension, Metric};
use opsh_cloud::services::cloudwatch::store::points;

fn never() -> bool {
    false
}

/// A cloud with one running machine of two processors, at a full minute; its id.
fn machine() -> (Cloud, String) {
    let cloud = Cloud::furnished(&Options::default());
    let form = format!(
        "Action=RunInstances&Version=2016-11-15&ImageId={AL2023_X86_64}&MinCount=1&MaxCount=1\
         &InstanceType=t3.nano&Monitoring.Enabled=true"
    );
    let request = http::Request::post("https://ec2.us-east-1.amazonaws.com/")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/ec2/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(Bytes::from(form))
        .unwrap();
    let answer = cloud.clock().block_on(cloud.aws(request), &never).unwrap();
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    let (_, rest) = text.split_once("<instanceId>").unwrap();
    let id = rest.split_once('<').unwrap().0.to_owned();
    let seconds = 120 + 60 - cloud.clock().now().as_second().rem_euclid(60);
    let pause = Duration::from_secs(seconds.unsigned_abs());
    cloud.clock().sleep(pause, &never).unwrap();
    // The first look makes the machine.
    cloud
        .change(|state| {
            let now = state.now;
            state.hosts.get_mut(&id).unwrap().console_output(now)
        })
        .unwrap();
    (cloud, id)
}

/// When each of these, which begin at their seconds and want so much, is done.
fn burn(cloud: &Cloud, id: &str, wanted: &[(u64, f64)]) -> Vec<f64> {
    let clock = cloud.clock();
    let start = clock.now();
    let paths: Vec<Vec<u32>> = (0..)
        .take(wanted.len())
        .map(|number| vec![number])
        .collect();
    clock.announce(&paths);
    let mut done = BTreeMap::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = paths
            .iter()
            .zip(wanted)
            .map(|(path, (begin, seconds))| {
                scope.spawn(move || {
                    let _here = clock.enter(path);
                    clock.sleep(Duration::from_secs(*begin), &never).unwrap();
                    cloud.burn(id, *seconds, &never).unwrap();
                    (
                        path.clone(),
                        clock.now().duration_since(start).as_secs_f64(),
                    )
                })
            })
            .collect();
        done.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
    });
    done.into_values()
        .map(|at: f64| (at * 1e3).round() / 1e3)
        .collect()
}

fn percent(cloud: &Cloud, id: &str, at: Timestamp) -> f64 {
    let metric = Metric {
        namespace: "AWS/EC2".to_owned(),
        name: "CPUUtilization".to_owned(),
        dimensions: vec![Dimension::new("InstanceId", id)],
    };
    let range = at.as_second()..at.as_second() + 60;
    let found = cloud
        .change(|state| points(state, &metric, range.clone(), 60, None))
        .unwrap();
    found[0].summary.sum / found[0].summary.count
}

#[test]
fn two_processors_are_shared_by_all_who_compute() {
    let (cloud, id) = machine();
    let start = cloud.clock().now();
    // Two have a processor each.
    assert_eq!(burn(&cloud, &id, &[(0, 6.0), (0, 6.0)]), [6.0, 6.0]);
    // Four share two; when two are done, the others have one each.
    let four = [(0, 2.0), (0, 2.0), (0, 5.0), (0, 5.0)];
    assert_eq!(burn(&cloud, &id, &four), [4.0, 4.0, 7.0, 7.0]);
    // One that comes in the middle of two takes a third of each processor.
    let late = [(0, 4.0), (0, 4.0), (2, 2.0)];
    assert_eq!(burn(&cloud, &id, &late), [5.0, 5.0, 5.0]);
    cloud.clock().sleep(Duration::from_mins(4), &never).unwrap();
    let burnt = 12.0 + 14.0 + 10.0;
    let busy = percent(&cloud, &id, start);
    let idle = busy - burnt / 120.0 * 100.0;
    assert!((0.0..1.0).contains(&idle), "{busy} % of two processors");
}
