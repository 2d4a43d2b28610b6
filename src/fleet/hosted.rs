//! Services of simulated hosts: their playbooks run in this process.
//!
//! The cloud says when the program of a unit begins and ends, and gives it a thread and a
//! branch of its clock ([`opsh_cloud::programs`]); here its playbook gets a gate whose world
//! is that same cloud, seen from that host. What it says goes to the host's journal, what it
//! keeps into the host's ledger ([`super::records`]).

use std::sync::{Arc, PoisonError};

use opsh_cloud::Cloud;
use opsh_cloud::programs::{Landlord, Lease};
use opsh_operation::{Fault, FaultKind};
use tempfile::TempDir;
use tracing::Level;

use super::records::{Ledgers, Records};
use super::unpacked;
use crate::gate::event::{Event, Observer};
use crate::gate::journal::{Journal, Place};
use crate::gate::redact::Redactor;
use crate::gate::{Gate, branch};
use crate::ledger::Error;
use crate::modules::{Files, Terminal};
use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::param;
use crate::script::run::{Playbook, conclude, plain_io};
use crate::script::source::Sources;
use crate::service::{Service, Timing};
use crate::world::local::{Local, Outside};
use crate::world::{Cancel, Kind, World};

/// What systemd calls a program that could not begin.
const NOT_STARTED: i32 = 2;

/// Lets the services of `cloud`'s hosts run in this process, until `cancel` says no more.
pub fn lease_on(cloud: &Cloud, kind: Kind, outside: Outside, records: Records, cancel: &Cancel) {
    cloud.lease_to(Arc::new(Hosts {
        kind,
        outside,
        ledgers: Ledgers::new(records),
        cancel: cancel.clone(),
    }));
}

struct Hosts {
    kind: Kind,
    outside: Outside,
    ledgers: Ledgers,
    cancel: Cancel,
}

/// What a service's command line asks for.
struct Asked {
    playbook: String,
    parameters: Vec<String>,
    stack: Option<String>,
}

impl Landlord for Hosts {
    fn run(&self, lease: &Arc<Lease>) -> i32 {
        let sources = Arc::new(Sources::default());
        match self.serve(lease, &sources) {
            Ok(()) => 0,
            // It was told to end, and that is what it did.
            Err(_) if lease.is_stopped() => 0,
            Err(error) => {
                for line in error.render(&sources).lines() {
                    lease.log(line);
                }
                match error.class {
                    Class::Start => NOT_STARTED,
                    _ => 1,
                }
            }
        }
    }
}

impl Hosts {
    fn serve(&self, lease: &Arc<Lease>, sources: &Arc<Sources>) -> Result<(), ScriptError> {
        let asked = Asked::read(&lease.command)?;
        let folder = unpack(lease, &asked)?;
        let name = asked.playbook.rsplit('/').next().unwrap_or_default();
        let playbook = Playbook::load(&folder.path().join(name), sources)?;
        let given = param::of_words(&asked.parameters)?;
        let parameters = param::resolve(
            &playbook.name,
            &playbook.parameters,
            &given,
            &mut |_: &param::Parameter| Ok(None),
        )?;
        // It stops with its unit, and with everything else.
        let cancel = self.cancel.apart(std::time::Duration::MAX);
        let told = cancel.clone();
        lease.when_stopped(move || told.interrupt());
        let world: Arc<dyn World> = Arc::new(
            Local::of_service(lease, self.kind, self.outside.clone())
                .map_err(|fault| plain(&fault.message))?,
        );
        let redactor = Arc::new(Redactor::default());
        let voice = Arc::new(Voice {
            lease: Arc::clone(lease),
            redactor: Arc::clone(&redactor),
        });
        let files = Files::new(folder.path()).map_err(|error| plain(&plain_io(&error)))?;
        let stack = asked.stack.unwrap_or_else(|| playbook.stack());
        let broken = |error: Error| plain(&error.to_string());
        let ledger = self.ledgers.of(&lease.instance).map_err(broken)?;
        let gate = Gate {
            observers: vec![Arc::clone(&voice) as _],
            redactor,
            ..Gate::new(
                world,
                files.of_program_in(folder.path()),
                voice,
                cancel,
                Journal::new(Place::Within(Arc::clone(&ledger)), &stack, name),
            )
        };
        let service = Service::new(Timing::Lodged);
        let runtime = Arc::new(Runtime::new(gate, Arc::clone(sources), service));
        let outcome = branch::within(Vec::new(), || playbook.run(&runtime, parameters));
        let ended = conclude(&runtime.gate, outcome).map(drop);
        let flushed = ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush();
        ended.and(flushed.map_err(broken))
    }
}

impl Asked {
    /// Reads `opsh run [--stack S] PLAYBOOK key=value …`.
    fn read(command: &[String]) -> Result<Self, ScriptError> {
        let mut asked = Self {
            playbook: String::new(),
            parameters: Vec::new(),
            stack: None,
        };
        let mut words = command.iter().skip(1);
        let verb = words.next().map_or("", String::as_str);
        if verb != "run" {
            return Err(not_modelled(&format!("a service that runs `opsh {verb}`")));
        }
        while let Some(word) = words.next() {
            match word.as_str() {
                "--stack" => asked.stack = words.next().cloned(),
                // The host has its own.
                "--ledger" => drop(words.next()),
                option if option.starts_with('-') => {
                    return Err(not_modelled(&format!("the option {option} in a service")));
                }
                playbook if asked.playbook.is_empty() => playbook.clone_into(&mut asked.playbook),
                parameter => asked.parameters.push(parameter.to_owned()),
            }
        }
        Ok(asked)
    }
}

fn plain(message: &str) -> ScriptError {
    ScriptError::plain(Class::Start, message.to_owned())
}

fn not_modelled(what: &str) -> ScriptError {
    plain(&format!("not modelled by the embedded cloud: {what}"))
}

/// The folder of the playbook as it is on the host.
fn unpack(lease: &Lease, asked: &Asked) -> Result<TempDir, ScriptError> {
    let path = if asked.playbook.starts_with('/') {
        asked.playbook.clone()
    } else {
        format!("{}/{}", lease.folder.trim_end_matches('/'), asked.playbook)
    };
    let (folder, _) = path.rsplit_once('/').unwrap_or(("", &path));
    let files = lease.files(folder);
    let files = files
        .iter()
        .map(|(name, content)| (name.as_str(), &content[..]));
    unpacked::unpack("opsh-service-", files).map_err(|error| plain(&plain_io(&error)))
}

/// What a service says: lines in its host's journal.
struct Voice {
    lease: Arc<Lease>,
    redactor: Arc<Redactor>,
}

impl Voice {
    fn say(&self, text: &str) {
        for line in self.redactor.scrub(text.trim_end()).lines() {
            self.lease.log(line);
        }
    }
}

impl Observer for Voice {
    /// Steps are in the ledger; the journal has what the playbook says.
    fn observe(&self, _event: &Event<'_>) {}
}

impl Terminal for Voice {
    fn interactive(&self) -> bool {
        false
    }

    fn consents(&self) -> bool {
        true
    }

    fn ask(&self, question: &str, _secret: bool, _cancel: &Cancel) -> Result<String, Fault> {
        Err(Fault::new(
            FaultKind::Failed,
            format!("nobody can be asked: {}", question.trim_end()),
        )
        .hint("a service gets its parameters on its command line"))
    }

    fn print(&self, text: &str) {
        self.say(text);
    }

    fn log(&self, level: Level, message: &str) {
        if level <= Level::INFO {
            self.say(&format!("{level} {message}"));
        }
    }

    fn width(&self) -> u16 {
        80
    }
}
