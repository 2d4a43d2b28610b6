//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A position-independent program of this size has a quarter of a million addresses to put
    // right at each start, which takes longer than all else that an empty playbook does
    // (benches/README.md). What is allocated or loaded stays at random addresses.
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if linux && std::env::var_os("CARGO_FEATURE_PIE").is_none() {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
