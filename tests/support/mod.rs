//! What tests stand on: the program under test, and independent components to meet it with.

pub mod closed;
pub mod component;
pub mod discord;
pub mod imds;
pub mod machine;
pub mod moto;
pub mod opsh;
pub mod program;
pub mod python;
pub mod request;
pub mod resources;
#[cfg(target_os = "linux")]
pub mod running;
pub mod runtime_api;
pub mod served;
pub mod silence;
pub mod site;
pub mod sshd;
pub mod terminal;
pub mod tunnel;
