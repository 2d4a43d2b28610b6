//! Faults on purpose, and what the SDK makes of them.

use std::time::Duration;

use opsh_cloud::faults::{Fault, Rule, When};

use super::{Local, elapsed, local, run, s3};

fn fail(local: &Local, nth: &[u32], fault: Fault) {
    local.cloud().inject(Rule {
        action: "s3:ListBuckets".to_owned(),
        when: When::Nth(nth.iter().copied().collect()),
        fault,
    });
}

#[test]
fn a_throttled_call_is_tried_again_in_virtual_time() {
    let begun = std::time::Instant::now();
    let local = local();
    fail(&local, &[1, 2], Fault::Throttle);
    run(&local, s3(&local).list_buckets().send()).unwrap();
    // Three calls of 100 ms, waits of 1 s and 2 s without jitter.
    assert_eq!(elapsed(&local), 3 * 100 + 1000 + 2000);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn resets_and_failures_are_tried_again_and_delays_take_their_time() {
    for (fault, millis) in [
        (Fault::Reset, 2 * 100 + 1000),
        (Fault::Server(503), 2 * 100 + 1000),
        (Fault::Delay(Duration::from_mins(1)), 100 + 60_000),
    ] {
        let local = local();
        fail(&local, &[1], fault.clone());
        run(&local, s3(&local).list_buckets().send()).unwrap();
        assert_eq!(elapsed(&local), millis, "{fault:?}");
    }
    let local = local();
    fail(&local, &[1, 2, 3], Fault::Throttle);
    let error = run(&local, s3(&local).list_buckets().send()).unwrap_err();
    assert_eq!(error.into_service_error().meta().code(), Some("SlowDown"));
}
