//! Programs that the cloud's images bring: `cloud-init`, `ec2-metadata`; and `crontab`.

use super::call::{Call, Reply, done, fail, failure};
use super::options::Options;
use crate::hosts::base;
use crate::hosts::cloudinit;
use crate::hosts::disk::Node;
use crate::hosts::shell::Outcome;
use crate::hosts::users::User;

/// `cloud-init status [--wait] [--long]`.
pub fn cloud_init(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "w|wait l|long v|version |format=")?;
    let words = options.words();
    match words.as_slice() {
        _ if options.has("version") => return done("/usr/bin/cloud-init 22.2.2\n"),
        ["status"] => {}
        other => return Err(call.not_modelled(&format!("'{}'", other.join(" ")))),
    }
    if options.has("format") {
        return Err(call.not_modelled("option --format"));
    }
    let end = {
        let timeline = call.machine();
        if cloudinit::finished(&timeline.present) {
            None
        } else {
            timeline.when(cloudinit::finished)
        }
    };
    if options.has("wait")
        && let Some(end) = end
    {
        let now = call.machine().present.clock;
        call.pass(end.duration_since(now), 0.0)?;
    }
    let timeline = call.machine();
    let machine = &timeline.present;
    if !cloudinit::finished(machine) {
        return done("status: running\n");
    }
    let failed = machine
        .disk
        .read(&User::root(), cloudinit::RESULT)
        .ok()
        .and_then(|content| serde_json::from_slice::<serde_json::Value>(&content).ok())
        .and_then(|result| Some(!result["v1"]["errors"].as_array()?.is_empty()))
        .unwrap_or(false);
    let state = if failed { "error" } else { "done" };
    let detail = if options.has("long") {
        "detail:\nDataSourceEc2\n"
    } else {
        ""
    };
    Ok(Outcome {
        exit_code: i32::from(failed),
        stdout: format!("status: {state}\n{detail}").into_bytes(),
        stderr: Vec::new(),
    })
}

/// `ec2-metadata -i` and its like, by the metadata service's categories.
pub fn ec2_metadata(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "i|instance-id t|instance-type z|availability-zone R|region o|local-ipv4 v|public-ipv4 p|public-hostname h|local-hostname a|ami-id m|mac q|quiet",
    )?;
    let facts = &call.session.facts;
    let own = &facts.addresses;
    let unavailable = "not available".to_owned();
    let all = [
        ("ami-id", facts.image_id.clone()),
        ("instance-id", facts.instance_id.clone()),
        ("instance-type", facts.instance_type.clone()),
        ("local-hostname", own.private_dns.clone()),
        ("local-ipv4", own.private.clone()),
        ("mac", facts.mac.clone()),
        ("availability-zone", facts.availability_zone.clone()),
        ("region", facts.region.clone()),
        (
            "public-hostname",
            own.public_dns.clone().unwrap_or(unavailable.clone()),
        ),
        ("public-ipv4", own.public.clone().unwrap_or(unavailable)),
    ];
    let everything = !all.iter().any(|(name, _)| options.has(name));
    let text: String = all
        .iter()
        .filter(|(name, _)| everything || options.has(name))
        .map(|(name, value)| {
            let shown = if *name == "availability-zone" {
                "placement"
            } else {
                name
            };
            if options.has("quiet") {
                format!("{value}\n")
            } else {
                format!("{shown}: {value}\n")
            }
        })
        .collect();
    done(text)
}

/// `crontab -l`, `crontab FILE`, `crontab -`, `crontab -r`: kept, not run.
pub fn crontab(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "l| r| u|user=")?;
    let name = options.value("user").unwrap_or(&call.session.user.name);
    if name != call.session.user.name && !call.is_root() {
        return fail(1, "must be privileged to use -u\n");
    }
    let path = format!("/var/spool/cron/{name}");
    let root = User::root();
    if options.has("l") {
        return match call.machine().present.disk.read(&root, &path) {
            Ok(content) => done(content.to_vec()),
            Err(_) => fail(1, format!("no crontab for {name}\n")),
        };
    }
    let mut timeline = call.machine();
    let disk = &mut timeline.present.disk;
    if options.has("r") {
        return match disk.remove(&root, &path, false) {
            Ok(()) => done(""),
            Err(_) => fail(1, format!("no crontab for {name}\n")),
        };
    }
    let content = match options.words().as_slice() {
        [] | ["-"] => call.stdin.to_vec(),
        [file] => {
            let file = call.path(file);
            disk.read(&call.session.user, &file)
                .map_err(|reason| failure(1, format!("{file}: {reason}\n")))?
                .to_vec()
        }
        _ => return Err(call.not_modelled("several files")),
    };
    for (number, line) in String::from_utf8_lossy(&content).lines().enumerate() {
        let line = line.trim();
        let setting = line
            .split_once('=')
            .is_some_and(|(name, _)| !name.trim().contains(char::is_whitespace));
        let fields = if line.starts_with('@') { 2 } else { 6 };
        if !line.is_empty()
            && !line.starts_with('#')
            && !setting
            && line.split_whitespace().count() < fields
        {
            return fail(
                1,
                format!(
                    "\"-\":{}: bad minute\nerrors in crontab file, can't install.\n",
                    number + 1
                ),
            );
        }
    }
    let at = timeline.present.clock;
    timeline.present.disk.put(
        &path,
        Node {
            uid: call.session.user.uid,
            gid: call.session.user.gid,
            ..base::file(content.as_slice(), 0o600, at)
        },
    );
    done("")
}
