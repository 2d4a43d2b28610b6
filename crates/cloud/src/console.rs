//! Commands on a simulated machine as its owner gives them at its console: as root, and
//! without any key, network or security group in between.

use jiff::SignedDuration;

use crate::cloud::Cloud;
use crate::course::{Asked, Course, PATIENCE};
use crate::hosts::{Answered, CommandOutput, Ran, Reply, Unreachable};
use crate::services::ec2;
use crate::state::State;
use crate::store::StoreError;

/// A command that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// The instance.
    pub instance: String,
    /// How many others have the name that was asked for.
    pub others: usize,
    /// What it did.
    pub output: CommandOutput,
}

/// Why no command was run.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Nobody has that name.
    #[error("there is no instance '{0}'")]
    Nobody(String),
    /// It is off, or still starting.
    #[error("{id} takes no commands: it is {stage}")]
    Silent {
        /// The instance.
        id: String,
        /// Where it is in its life.
        stage: &'static str,
    },
    /// What it did cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Cloud {
    /// Runs a command line as root on the instance that `name` means: its id, an address,
    /// its `Name`, or the Auto Scaling group that it is a member of. A machine that is still
    /// starting is waited for, and the command's own time has passed, too, then.
    ///
    /// # Errors
    /// [`ConsoleError`].
    pub fn execute(&self, name: &str, line: &str) -> Result<Executed, ConsoleError> {
        if let Some(ready) = self.look(|state| starting(state, name)) {
            self.wait(ready);
        }
        self.let_programs_begin();
        let mut known = Vec::new();
        let executed = loop {
            let asked = {
                let mut state = self.state();
                match attempt(&mut state, name, line, &known)? {
                    Attempt::Done(executed) => break executed,
                    Attempt::Asks(asked) => asked,
                }
            };
            // Nothing stops it: the program's own limits end it.
            known.push(self.ask(&asked, PATIENCE, &|| false));
        };
        self.wait(executed.output.took);
        self.save()?;
        Ok(executed)
    }

    /// Nothing stops it: it takes no real time, or as long as the machine takes.
    fn wait(&self, time: SignedDuration) {
        let time = time.try_into().unwrap_or_default();
        let _ = self.clock().sleep(time, &|| false);
    }
}

/// How long it takes until the machine that `name` means takes commands, if it is starting.
fn starting(state: &State, name: &str) -> Option<SignedDuration> {
    let facts = ec2::called(state, name).into_iter().next()?;
    let ready = state.hosts.get(&facts.id)?.ssh_at()?;
    (ready > state.now).then(|| ready.duration_since(state.now))
}

/// How far a command line came.
enum Attempt {
    Done(Executed),
    /// A program of the machine has to answer first.
    Asks(Box<Asked>),
}

fn attempt(
    state: &mut State,
    name: &str,
    line: &str,
    known: &[Answered],
) -> Result<Attempt, ConsoleError> {
    let mut found = ec2::called(state, name).into_iter();
    let facts = found
        .next()
        .ok_or_else(|| ConsoleError::Nobody(name.to_owned()))?;
    let others = found.filter(|other| !other.stage.ended()).count();
    let now = state.now;
    let silent = |stage| ConsoleError::Silent {
        id: facts.id.clone(),
        stage,
    };
    let host = state.hosts.get_mut(&facts.id);
    let host = host.ok_or_else(|| silent(facts.stage.name()))?;
    let ran = host.run_knowing("root", line, &[], known, now);
    let ran = ran.map_err(|why| {
        silent(match why {
            Unreachable::Refused => "still starting",
            Unreachable::Silent => facts.stage.name(),
        })
    })?;
    let forward = match ran {
        Ran::Done(output) => {
            return Ok(Attempt::Done(Executed {
                instance: facts.id,
                others,
                output,
            }));
        }
        Ran::Asks(forward) => *forward,
    };
    match Course::at_machine(&facts.id, Reply::Forward(forward)) {
        Course::Ask(asked) => Ok(Attempt::Asks(asked)),
        Course::Answer(_) => Err(silent("busy")),
    }
}
