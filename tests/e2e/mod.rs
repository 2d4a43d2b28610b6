//! End to end: the program against components that know nothing of it.
//!
//! These need what `.ci/run` installs. Where a component is absent they say so and pass,
//! except in CI, where they fail (`support::component::demand`).

mod alarms;
mod backup;
mod bootstrap;
mod components;
mod credentials;
mod fullstack;
mod http;
mod live;
mod login;
mod newwebserver;
mod offline;
mod serve;
mod ssh;
