//! `opsh local serve`: the embedded cloud for other tools.

use std::path::Path;
use std::sync::{Arc, Mutex};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use opsh_cloud::faults::Rule;
use opsh_cloud::furnish::{ACCESS_KEY, Options, SECRET_KEY};
use opsh_cloud::{Cloud, StoreError};
use serde_json::json;

use crate::cli::console::Output;
use crate::cli::say;
use crate::fleet::records::Records;
use crate::gate::rehearsal::{self, Rehearsal};
use crate::lambda::hosted;
use crate::serve::Server;
use crate::world::live;
use crate::world::local::Outside;
use crate::world::served::notice::Notice;
use crate::world::{Cancel, Kind};

/// Serve the embedded cloud on loopback to other tools: the AWS CLI, boto3, Terraform
///
/// Prints the environment that leads them here, and serves until Ctrl-C. Other commands
/// that use the same folder's cloud are refused meanwhile.
///
/// Buckets are found by path (<http://127.0.0.1:4566/BUCKET/KEY>) and by name
/// (<http://BUCKET.localhost:4566/KEY>). Simulated hosts and balancers answer by their
/// names and addresses:
///
///   curl -H 'Host: web-123.us-east-1.elb.amazonaws.com' <http://127.0.0.1:4566>/
///   curl --proxy <http://127.0.0.1:4566> <http://203.0.113.10>/
///   a browser: <http://203.0.113.10.localhost:4566>/
///
/// Any credentials are taken, but presigned URLs must be signed with the printed ones.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Port on 127.0.0.1; 0 for a free one
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// How time passes
    #[arg(long, value_enum, default_value_t)]
    time: Time,
    /// Region of a new cloud
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Seed of everything random in a new cloud
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Let something go wrong on purpose, such as 'throttle ec2:RunInstances 20%' or
    /// 'lost s3:PutObject 2,3' (docs/durability.md lists the rules); can be given again
    #[arg(long, value_name = "RULE", value_parser = rehearsal::parse)]
    fault: Vec<Rehearsal>,
    /// Form of what is printed
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// How time passes in a cloud that is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Time {
    /// With the real clock: what takes a minute on AWS takes a minute
    #[default]
    Real,
    /// Not by itself, only as runs with --local-at wait
    Virtual,
}

/// Serves the cloud in `folder` until a signal ends it.
pub(super) fn serve(folder: &Path, arguments: &Arguments) -> Result<(), String> {
    let faults = requests(&arguments.fault)?;
    // From here on a signal means: stop in good order.
    let (stop, stopped) = tokio::sync::oneshot::channel();
    on_signal(stop)?;
    let mut options = Options {
        region: arguments.region.clone(),
        seed: arguments.seed,
        ..Options::default()
    };
    if arguments.time == Time::Real {
        options.start = Timestamp::now();
    }
    let cloud = Cloud::open(folder, &options).map_err(|error| refused(&error, folder))?;
    if arguments.time == Time::Real {
        cloud.follow_real_time();
    }
    for rule in faults {
        cloud.inject(rule);
    }
    let outside = Arc::new(live::http::Client::new(Vec::new()));
    hosted::employ_on(
        &cloud,
        Kind::Local,
        Outside::Real(Some(outside)),
        Records::Beside(folder.to_owned()),
        &Cancel::new(None),
    );
    // Commands that only look find the cloud on disk from its first moment.
    cloud.save().map_err(|error| error.to_string())?;
    let server = Server::bind(cloud.clone(), arguments.port).map_err(|error| {
        let port = arguments.port;
        format!(
            "cannot listen on 127.0.0.1:{port}: {error}\n  next: choose another port with --port, or any free one with --port 0"
        )
    })?;
    let _posted = server
        .notice()
        .post(folder)
        .map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
    announce(&cloud, server.notice(), folder, arguments);
    server
        .run(async {
            let _ = stopped.await;
        })
        .map_err(|error| format!("the server ended: {error}"))
}

/// What goes wrong in the cloud; a crash is a run's.
fn requests(faults: &[Rehearsal]) -> Result<Vec<Rule>, String> {
    faults
        .iter()
        .map(|fault| match fault {
            Rehearsal::Request(rule) => Ok(rule.clone()),
            Rehearsal::Step(..) => Err("a step is a run's, and this cloud is for all runs\n  \
                 next: say at which action, e.g. 'capacity ec2:RunInstances 2'"
                .to_owned()),
            Rehearsal::Crash(_) => Err(
                "'crash' is for a run, not for the cloud that it runs on\n  \
                 next: opsh run … --local-at URL --fault 'crash STEP POINT'"
                    .to_owned(),
            ),
        })
        .collect()
}

/// The first SIGINT or SIGTERM asks the server to stop, the second ends the process.
fn on_signal(stop: tokio::sync::oneshot::Sender<()>) -> Result<(), String> {
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])
    .map_err(|error| format!("signals cannot be received: {error}"))?;
    let stop = Mutex::new(Some(stop));
    std::thread::spawn(move || {
        for _ in signals.forever() {
            match stop.lock().ok().and_then(|mut stop| stop.take()) {
                Some(stop) => drop(stop.send(())),
                None => std::process::exit(130),
            }
        }
    });
    Ok(())
}

fn refused(error: &StoreError, folder: &Path) -> String {
    match Notice::read(folder) {
        Some(notice) if matches!(error, StoreError::Busy(_)) => format!(
            "the embedded cloud in {} is served already, at {} (process {})",
            folder.display(),
            notice.url,
            notice.pid
        ),
        _ => format!("{error}\n  next: {}", error.hint()),
    }
}

/// Says where the cloud is, and how to get there.
fn announce(cloud: &Cloud, notice: &Notice, folder: &Path, arguments: &Arguments) {
    let status = cloud.status();
    let url = &notice.url;
    let region = &status.region;
    let environment = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        // SDKs read one or the other.
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ];
    if arguments.output == Output::Json {
        let environment: serde_json::Map<_, _> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        say::out(json!({
            "url": url,
            "environment": environment,
            "account": status.account,
            "region": region,
            "time": status.now.to_string(),
            "pid": notice.pid,
        }));
        return;
    }
    let pace = match arguments.time {
        Time::Real => "the time follows the real clock",
        Time::Virtual => "the time stands until a run waits",
    };
    say::out(format_args!(
        "serving the embedded cloud in {} at {url}\n\
         account {}, region {region}, time {}; {pace}\n",
        folder.display(),
        status.account,
        status.now.strftime("%Y-%m-%d %H:%M:%SZ"),
    ));
    for (name, value) in environment {
        say::out(format_args!("export {name}={value}"));
    }
    say::out(format_args!(
        "\nvisit hosts and balancers: curl -H 'Host: NAME' {url}/\nCtrl-C ends it"
    ));
}
