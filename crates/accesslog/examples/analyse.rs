//! Reads access logs and prints what they say: what `opsh run` does, without all of opsh.
//!
//!     cargo run --release -p opsh-accesslog --example analyse -- [--threads N] FILE…

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::process::ExitCode;

use opsh_accesslog::{Rules, Source, analyse};

fn main() -> ExitCode {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    if files.first().is_some_and(|word| word == "--threads") {
        threads = files[1].parse().unwrap_or(threads);
        files.drain(..2);
    }
    let open = |name: String| Source {
        name: name.clone(),
        open: Box::new(move || File::open(name).map(|file| Box::new(file) as Box<dyn Read + Send>)),
    };
    let probes = [
        "/.env",
        "/.git/",
        "/wp-login.php",
        "/wp-admin",
        "/xmlrpc.php",
        "/phpmyadmin",
    ];
    let rules = Rules {
        probes: probes.map(str::to_owned).to_vec(),
        ..Rules::default()
    };
    match analyse(
        files.into_iter().map(open).collect(),
        rules,
        threads,
        &|| false,
    ) {
        Ok(report) => {
            println!("{report:#?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
