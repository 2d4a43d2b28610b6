//! A hand on the embedded cloud of a folder: in this process, or where it is served.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opsh_cloud::chronicle::Happening;
use opsh_cloud::console::Executed;
use opsh_cloud::discord::Message;
use opsh_cloud::talk::{Said, Unheard};
use opsh_cloud::{Cloud, StoreError};

use super::told;
use crate::fleet::records::Records;
use crate::lambda::hosted;
use crate::world::local::Outside;
use crate::world::local::doors::{Doors as _, Refusal};
use crate::world::served::Served;
use crate::world::served::notice::Notice;
use crate::world::{Cancel, Kind, live};

/// Somebody who changes the cloud without being a playbook.
pub(super) enum Hand {
    Here(Cloud),
    Served(Served),
}

impl Hand {
    /// On the cloud in `folder`; nothing if there is none.
    pub fn on(folder: &Path) -> Result<Option<Self>, String> {
        let cloud = match Cloud::open_existing(folder) {
            Ok(None) => return Ok(None),
            Ok(Some(cloud)) => cloud,
            Err(busy @ StoreError::Busy(_)) => {
                let notice = Notice::read(folder).ok_or_else(|| told(&busy))?;
                return Served::connect(folder, &notice.url, None)
                    .map(|served| Some(Self::Served(served)))
                    .map_err(|fault| fault.message);
            }
            Err(error) => return Err(told(&error)),
        };
        let outside = Arc::new(live::http::Client::new(Vec::new()));
        hosted::employ_on(
            &cloud,
            Kind::Local,
            Outside::Real(Some(outside)),
            Records::Beside(folder.to_owned()),
            &Cancel::new(None),
        );
        Ok(Some(Self::Here(cloud)))
    }

    /// The time there.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Here(cloud) => cloud.clock().now(),
            Self::Served(served) => served.clock().now(),
        }
    }

    /// Lets the time go on, and gives what happens to `tell`.
    pub fn advance(
        &mut self,
        by: Duration,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Happening),
    ) -> Result<(), String> {
        match self {
            Self::Here(cloud) => {
                let end = cloud.clock().now().checked_add(by);
                cloud
                    .live_and_close(end.unwrap_or(Timestamp::MAX), stop, tell)
                    .map_err(|error| told(&error))
            }
            Self::Served(served) => {
                let happened = served.advance(by).map_err(|refusal| refusal.to_string())?;
                happened.into_iter().for_each(tell);
                Ok(())
            }
        }
    }

    /// Says something on Discord, and gives what bots say within a minute.
    pub fn say(&mut self, said: Said) -> Result<Vec<Message>, String> {
        match self {
            Self::Here(cloud) => cloud.say(said).map_err(|unheard| match unheard {
                Unheard::NoBot => no_bot(),
                Unheard::Store(error) => told(&error),
            }),
            Self::Served(served) => served.say(said).map_err(|refusal| match refusal {
                Refusal::NotFound(_) => no_bot(),
                other => other.to_string(),
            }),
        }
    }

    /// Runs a command line as root on the machine that `name` means.
    pub fn execute(&mut self, name: &str, line: &str) -> Result<Executed, String> {
        match self {
            Self::Here(cloud) => {
                let executed = cloud
                    .execute(name, line)
                    .map_err(|error| error.to_string())?;
                Ok(executed)
            }
            Self::Served(served) => served
                .execute(name, line)
                .map_err(|refusal| refusal.to_string()),
        }
    }
}

impl Drop for Hand {
    /// What services have done is in their ledgers only when they have ended.
    fn drop(&mut self) {
        if let Self::Here(cloud) = self {
            cloud.close();
            cloud.close_programs();
            cloud.close();
        }
    }
}

/// That nobody would hear what is said.
fn no_bot() -> String {
    format!(
        "{}\n  next: make one with: opsh run playbooks/bootstrap.rhai role=chatbot … --local",
        Unheard::NoBot
    )
}

/// That there is nothing to lay hands on.
pub(super) fn no_cloud() -> String {
    "there is no embedded cloud yet\n  next: make one with: opsh run … --local".to_owned()
}
