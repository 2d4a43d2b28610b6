//! What channels and roles are called, as the gateway tells it.
//!
//! The events are read as far as they matter here, so that nothing that Discord adds to
//! them keeps a name, or a question, from being understood.

use std::collections::HashMap;

use serde::Deserialize;

use crate::world::discord::Named;

/// A channel or thread.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Channel {
    id: String,
    #[serde(default)]
    name: Option<String>,
    /// The channel of a thread; the category of a channel.
    #[serde(default)]
    parent_id: Option<String>,
}

/// A role.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Role {
    id: String,
    name: String,
}

/// A server; one that is not available at present has only its id.
#[derive(Debug, Deserialize)]
pub(super) struct Guild {
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    threads: Vec<Channel>,
    #[serde(default)]
    roles: Vec<Role>,
}

/// A role that was made or changed.
#[derive(Debug, Deserialize)]
pub(super) struct OfRole {
    role: Role,
}

/// Names by ids.
#[derive(Debug, Default)]
pub(super) struct Names {
    channels: HashMap<String, String>,
    threads: HashMap<String, (String, String)>,
    roles: HashMap<String, String>,
}

impl Names {
    pub fn guild(&mut self, guild: Guild) {
        guild.channels.into_iter().for_each(|one| self.channel(one));
        guild.threads.into_iter().for_each(|one| self.thread(one));
        for role in guild.roles {
            self.roles.insert(role.id, role.name);
        }
    }

    pub fn channel(&mut self, channel: Channel) {
        if let Some(name) = channel.name {
            self.channels.insert(channel.id, name);
        }
    }

    pub fn thread(&mut self, thread: Channel) {
        if let Some(parent) = thread.parent_id {
            let name = thread.name.unwrap_or_default();
            self.threads.insert(thread.id, (name, parent));
        }
    }

    pub fn role(&mut self, of: OfRole) {
        self.roles.insert(of.role.id, of.role.name);
    }

    /// The channel with this id, and the one that it is a thread of.
    pub fn place(&self, id: &str) -> (Named, Option<Named>) {
        let channel = |id: &str| Named {
            id: id.to_owned(),
            name: self.channels.get(id).cloned().unwrap_or_default(),
        };
        match self.threads.get(id) {
            None => (channel(id), None),
            Some((name, parent)) => {
                let thread = Named {
                    id: id.to_owned(),
                    name: name.clone(),
                };
                (thread, Some(channel(parent)))
            }
        }
    }

    /// The roles with these ids.
    pub fn roles(&self, ids: &[String]) -> Vec<Named> {
        let named = |id: &String| Named {
            id: id.clone(),
            name: self.roles.get(id).cloned().unwrap_or_default(),
        };
        ids.iter().map(named).collect()
    }
}
