//! A machine behind moto's instance: real sshd, real web server, real metadata address.

use std::process::Command;

use super::component::{Absent, program};
use super::moto::{Moto, REGION};
use super::python::{self, Service};

/// The machine of the newest running instance; see `tests/stand-in/machine.py`.
pub struct Machine(Service);

impl Machine {
    /// Watches `moto` for instances to give a body to.
    pub fn behind(moto: &Moto) -> Result<Self, Absent> {
        for name in ["sshd", "apache2", "sudo", "ip", "unshare"] {
            program(name)?;
        }
        let who = Command::new("id").arg("-u").output().unwrap().stdout;
        if who != b"0\n" {
            return Err(Absent::new(
                "only root can give the machine its own mounts and network",
            ));
        }
        let python = python::find()?;
        let arguments = [moto.endpoint.as_str(), REGION];
        Ok(Self(Service::start(
            &python,
            "tests/stand-in/machine.py",
            &arguments,
        )))
    }

    /// The options that send what is meant for the instance's address to the machine.
    pub fn connect_to(&self) -> Vec<String> {
        [("22", "ssh"), ("80", "http")]
            .into_iter()
            .flat_map(|(port, name)| {
                let there = self.0.port(name);
                [
                    "--connect-to".to_owned(),
                    format!(":{port}:127.0.0.1:{there}"),
                ]
            })
            .collect()
    }
}
