//! Results as people read them.

use std::os::unix::fs::PermissionsExt as _;

use super::{end, shell};
use crate::support::opsh::User;

#[test]
fn lists_of_maps_are_tables_that_fit() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("ec2::describe_vpcs(#{})");
    terminal.sees("vpc_id");
    terminal.enter("ec2::describe_subnets(#{}).subnets");
    // The hint beside what is typed names subnet_ids, too: only a heading begins its line.
    terminal.waits("a heading of subnets with their state", |screen| {
        screen
            .lines()
            .any(|line| line.starts_with("subnet_id") && line.contains("state"))
    });
    terminal.sees("\n7 more: assign_ipv6_address_on_creation");
    terminal.enter("#{ b: #{ c: 1 }, a: [1, 2], none: () }");
    terminal.sees("a  1, 2\nb\n  c  1\nopsh dry-run>");
    end(terminal);
}

#[test]
fn the_last_result_has_a_name() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("[3, 1, 2]");
    terminal.enter("_.len() * 7");
    terminal.sees("\n21");
    // What gives nothing does not count.
    terminal.enter("let x = 1;");
    terminal.enter("switch 5 { 1 => 0, _ => _ * 2 }");
    terminal.sees("\n42");
    end(terminal);
}

#[test]
fn long_results_come_a_page_at_a_time() {
    let user = User::new();
    let pager = user.home().join("pager");
    std::fs::write(&pager, "#!/bin/sh\nwc -l\necho paged\n").unwrap();
    std::fs::set_permissions(&pager, std::fs::Permissions::from_mode(0o755)).unwrap();
    let user = user.with("PAGER", "./pager");
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("let all = []; for n in 0..200 { all.push(n); }; all");
    terminal.sees("200\npaged");
    terminal.enter("[1, 2]");
    terminal.sees("- 1\n- 2");
    end(terminal);
}

#[test]
fn errors_show_the_place_and_a_suggestion() {
    let user = User::new();
    let mut terminal = shell(&user, &["--dry-run"]);
    terminal.enter("fn broken() { ec2::describe_vpcs(#{ vpc_idz: [] }) }");
    terminal.enter("broken()");
    terminal.sees("error: repl:1:37: ec2::describe_vpcs: unknown parameter 'vpc_idz'; did you mean 'vpc_ids'?");
    terminal.sees("1 | fn broken() { ec2::describe_vpcs(#{ vpc_idz: [] }) }");
    end(terminal);
}
