//! A playbook cannot run away with depth or memory: each limit with its whole message.
//!
//! Time is `stopping`'s.

use super::run;

/// The exit code and all that is said.
fn ended(text: &str) -> (i32, String) {
    let ended = run(text, &["--dry-run"]);
    (ended.code, ended.err)
}

#[test]
fn endless_recursion_is_told_where_it_recurs() {
    let message = "\
error: p.rhai:1:13: function calls nest deeper than 64 (limit: call depth)
   |
 1 | fn f(n) { f(n + 1) }
   |             ^
  in f called at p.rhai:1:11 (64 times)
  in f called at p.rhai:2:1
";
    let text = "fn f(n) { f(n + 1) }\nf(0);\n";
    assert_eq!(ended(text), (1, message.into()));
}

#[test]
fn functions_that_call_each_other_without_end() {
    let message = "\
error: p.rhai:2:15: function calls nest deeper than 64 (limit: call depth)
   |
 2 | fn odd(n) { f(n + 1) }
   |               ^
  in odd called at p.rhai:1:11
  in f called at p.rhai:2:13
  in odd called at p.rhai:1:11
  in f called at p.rhai:2:13
  in odd called at p.rhai:1:11
  in f called at p.rhai:2:13
  … 58 more
  in odd called at p.rhai:3:1
";
    let text = "fn f(n) { odd(n + 1) }\nfn odd(n) { f(n + 1) }\nodd(0);\n";
    assert_eq!(ended(text), (1, message.into()));
}

#[test]
fn a_doubling_text_ends() {
    let message = "\
error: p.rhai:2:10: a value grew too large: length of string (limit: value size)
   |
 2 | loop { s += s; }
   |          ^
";
    let text = "let s = \"x\";\nloop { s += s; }\n";
    assert_eq!(ended(text), (1, message.into()));
}

#[test]
fn a_doubling_array_ends() {
    let message = "\
error: p.rhai:2:10: a value grew too large: size of array/blob (limit: value size)
   |
 2 | loop { a += a; }
   |          ^
";
    let text = "let a = [1];\nloop { a += a; }\n";
    assert_eq!(ended(text), (1, message.into()));
}

#[test]
fn many_values_just_below_the_limit_do_not_add_up() {
    let text = "\
fn f(n) {
    let s = \"x\";
    for n in 0..23 { s += s; }
    f(n + 1);
    s
}
f(0);
";
    let (code, said) = ended(text);
    assert_eq!(code, 1);
    // How deep it comes, and to what of the third line, depends on what else is on the heap.
    let [first, _, excerpt, _, depth, call] = said.lines().collect::<Vec<_>>()[..] else {
        panic!("{said}");
    };
    assert!(first.starts_with("error: p.rhai:3:"), "{said}");
    assert!(
        first.ends_with(": the playbook holds more than 256 MiB (limit: memory)"),
        "{said}"
    );
    assert_eq!(excerpt, " 3 |     for n in 0..23 { s += s; }");
    assert!(depth.starts_with("  in f called at p.rhai:4:5 ("), "{said}");
    assert_eq!(call, "  in f called at p.rhai:7:1");
}
