//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A position-independent program of this size has a quarter of a million addresses to put
    // right, which is a third of its start (benches/README.md). What is allocated or loaded
    // stays at random addresses.
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|is| is == value);
    // Elsewhere, and with musl, the linker is told so in another way or not at all.
    let known = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if known && std::env::var_os("CARGO_FEATURE_PIE").is_none() {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
