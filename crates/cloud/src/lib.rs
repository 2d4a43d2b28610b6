//! The embedded cloud: AWS services, hosts and a virtual clock inside the process.
//!
//! It knows no Rhai and no opsh operation: it answers the HTTP requests that an
//! AWS SDK sends ([`Cloud::aws`]), the visits of a browser ([`Cloud::visit`]) and
//! SSH sessions ([`Cloud::ssh`]), all from one [`state::State`] on one [`clock::Clock`].
//!
//! - [`clock`]: virtual time, which moves only when everybody waits;
//! - [`state`]: all there is, as plain data that is saved and copied;
//! - [`events`]: what happens later (an instance becomes running), in order;
//! - [`router`]: from an HTTP request to the service that it is for;
//! - [`api`]: a request to an AWS service, its answer, its error;
//! - [`furnish`]: what a new account holds;
//! - [`document`]: parameters and results, whatever protocol carries them;
//! - [`services`]: one module an AWS service;
//! - [`functions`]: running Lambda functions, with an interpreter that the host lends;
//! - [`programs`]: running services of hosts, with an interpreter that the host lends;
//! - [`tenants`]: programs outside the cloud's own code that answer HTTP inside it;
//! - [`discord`]: what a bot says, for those who read it; [`talk`]: what it hears;
//! - [`chronicle`]: letting the time go on, and telling what happens meanwhile;
//! - [`console`]: commands on a machine, as its owner gives them;
//! - [`faults`]: what goes wrong on purpose;
//! - [`store`]: the cloud on disk;
//! - [`hosts`]: simulated machines: files, shell, packages, services, web server.

pub mod api;
pub mod body;
pub mod chronicle;
pub mod clock;
mod cloud;
pub mod console;
mod course;
pub mod discord;
pub mod document;
mod errands;
pub mod events;
pub mod faults;
pub mod functions;
pub mod furnish;
pub mod glob;
pub mod hosts;
pub mod ids;
mod login;
mod mail;
mod processors;
pub mod programs;
pub mod router;
pub mod services;
pub mod state;
mod status;
pub mod store;
pub mod talk;
pub mod tenants;
mod visit;

pub use cloud::{Cloud, Then};
pub use login::{Door, Session, SessionError};
pub use mail::Parcel;
pub use status::Status;
pub use store::StoreError;
pub use visit::{Unreachable, Visitor};
