//! The web servers' own programs: configuration tests, and Debian's `a2en…`.

use super::call::{Call, Reply, done, fail, failure};
use super::options::Options;
use crate::hosts::base;
use crate::hosts::disk::{Kind, Node};
use crate::hosts::shell::Outcome;
use crate::hosts::{boot::Flavour, packages, web};

fn unit(call: &Call<'_>) -> &'static str {
    match call.session.facts.flavour {
        Flavour::AmazonLinux2023 => "httpd",
        Flavour::Ubuntu2404 => "apache2",
    }
}

fn complaint(text: &str) -> Reply {
    Ok(Outcome {
        exit_code: 1,
        stdout: Vec::new(),
        stderr: format!("{text}\n").into_bytes(),
    })
}

fn test_apache(call: &Call<'_>) -> Reply {
    match web::check(&call.machine().present, unit(call)) {
        Ok(_) => Ok(Outcome {
            stderr: b"Syntax OK\n".to_vec(),
            ..Outcome::default()
        }),
        Err(reason) => complaint(&reason),
    }
}

/// `apachectl configtest`.
pub fn apachectl(call: &Call<'_>) -> Reply {
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["configtest" | "-t"] => test_apache(call),
        ["-v" | "-V"] => version(call),
        [action @ ("start" | "stop" | "restart" | "graceful" | "reload")] => {
            let verb = if *action == "graceful" {
                "reload"
            } else {
                action
            };
            let args = [verb.to_owned(), unit(call).to_owned()];
            super::services::systemctl(&Call {
                name: "systemctl",
                args: &args,
                stdin: call.stdin,
                env: call.env,
                cwd: call.cwd,
                session: call.session,
            })
        }
        other => Err(call.not_modelled(&format!("'{}'", other.join(" ")))),
    }
}

fn version(call: &Call<'_>) -> Reply {
    let timeline = call.machine();
    let package = match call.session.facts.flavour {
        Flavour::AmazonLinux2023 => "httpd-core",
        Flavour::Ubuntu2404 => "apache2-bin",
    };
    let number = packages::find(timeline.present.flavour, package)
        .map_or("", |package| package.version)
        .split('-')
        .next()
        .unwrap_or_default();
    let family = match call.session.facts.flavour {
        Flavour::AmazonLinux2023 => "Amazon Linux",
        Flavour::Ubuntu2404 => "Ubuntu",
    };
    done(format!("Server version: Apache/{number} ({family})\n"))
}

/// `httpd -t`, `httpd -v`.
pub fn httpd(call: &Call<'_>) -> Reply {
    match call.args {
        [only] if only == "-t" => test_apache(call),
        [only] if only == "-v" => version(call),
        other => Err(call.not_modelled(&format!("'{}'", other.join(" ")))),
    }
}

/// `nginx -t`, `nginx -v`, `nginx -s reload`.
pub fn nginx(call: &Call<'_>) -> Reply {
    let options = Options::parse(call, "t| v| q| s=")?;
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let file = web::main_file(machine.flavour, "nginx");
    if options.has("v") {
        let package = match machine.flavour {
            Flavour::AmazonLinux2023 => "nginx-core",
            Flavour::Ubuntu2404 => "nginx",
        };
        let number = packages::find(machine.flavour, package)
            .map_or("", |package| package.version)
            .split('-')
            .next()
            .unwrap_or_default();
        return Ok(Outcome {
            stderr: format!("nginx version: nginx/{number}\n").into_bytes(),
            ..Outcome::default()
        });
    }
    if options.has("t") {
        return match web::check(machine, "nginx") {
            Ok(_) if options.has("q") => done(""),
            Ok(_) => Ok(Outcome {
                stderr: format!(
                    "nginx: the configuration file {file} syntax is ok\nnginx: configuration file {file} test is successful\n"
                )
                .into_bytes(),
                ..Outcome::default()
            }),
            Err(reason) => complaint(&format!(
                "nginx: [emerg] {reason}\nnginx: configuration file {file} test failed"
            )),
        };
    }
    match options.value("s") {
        Some("reload") => {
            if let Err(reason) = web::check(machine, "nginx") {
                return complaint(&format!("nginx: [emerg] {reason}"));
            }
            web::reload(machine, "nginx");
            done("")
        }
        _ => Err(call.not_modelled("this use")),
    }
}

/// `a2enmod`, `a2ensite`, `a2enconf` and their opposites.
pub fn a2(call: &Call<'_>) -> Reply {
    if !call.is_root() {
        return fail(
            1,
            format!("Could not create {}: Permission denied\n", call.name),
        );
    }
    let (enable, kind) = match (call.name.get(..4), call.name.strip_prefix("a2en")) {
        (_, Some(kind)) => (true, kind),
        _ => (false, call.name.trim_start_matches("a2dis")),
    };
    let (kind, extensions): (&str, &[&str]) = match kind {
        "mod" => ("mods", &["load", "conf"]),
        "site" => ("sites", &["conf"]),
        _ => ("conf", &["conf"]),
    };
    let options = Options::parse(call, "q|quiet f|force")?;
    let mut timeline = call.machine();
    let machine = &mut timeline.present;
    let at = machine.clock;
    let mut out = String::new();
    for name in &options.operands {
        let name = name.trim_end_matches(".conf");
        let mut any = false;
        for extension in extensions {
            let available = format!("/etc/apache2/{kind}-available/{name}.{extension}");
            let link = format!("/etc/apache2/{kind}-enabled/{name}.{extension}");
            if machine.disk.node(&available).is_none() {
                continue;
            }
            any = true;
            if enable {
                machine.disk.put(
                    &link,
                    Node {
                        kind: Kind::Link(format!("../{kind}-available/{name}.{extension}")),
                        ..base::directory(0o777, at)
                    },
                );
            } else {
                machine.disk.erase(&link);
            }
        }
        if !any {
            return Err(match kind {
                "mods" => call.not_modelled(&format!("module {name}")),
                _ => failure(1, format!("ERROR: {kind} {name} does not exist!\n")),
            });
        }
        out.push_str(&format!(
            "{} {name}.\nTo activate the new configuration, you need to run:\n  systemctl reload apache2\n",
            if enable { "Enabling" } else { "Disabling" }
        ));
    }
    done(out)
}
