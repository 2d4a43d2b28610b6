//! Machines behind moto's instances: real sshd, real web server, real metadata address.

use std::process::Command;

use super::component::{Absent, program};
use super::moto::{Moto, REGION};
use super::python::{self, Service};

/// The machine of the newest running instance; see `tests/stand-in/machine.py`.
pub struct Machine(Service);

/// The machines of several instances that were launched at once.
pub struct Machines(Service);

impl Machine {
    /// Watches `moto` for instances to give a body to.
    pub fn behind(moto: &Moto) -> Result<Self, Absent> {
        started(moto, &[]).map(Self)
    }

    /// The options that send what is meant for the instance's address to the machine.
    pub fn connect_to(&self) -> Vec<String> {
        redirections(
            "",
            [("22", self.0.port("ssh")), ("80", self.0.port("http"))],
        )
    }
}

impl Machines {
    /// Watches `moto` for the `count` newest instances.
    pub fn behind(moto: &Moto, count: usize) -> Result<Self, Absent> {
        started(moto, &[&count.to_string()]).map(Self)
    }

    /// The options that send what is meant for each instance's address to its machine; the
    /// addresses in the order of the launch.
    pub fn connect_to(&self, addresses: &[String]) -> Vec<String> {
        let each = addresses.iter().enumerate();
        each.flat_map(|(index, address)| redirections(address, [("22", self.ssh(index))]))
            .collect()
    }

    /// The loopback port of a machine's sshd.
    pub fn ssh(&self, index: usize) -> u16 {
        u16::try_from(self.0.hello["ssh"][index].as_u64().unwrap()).unwrap()
    }
}

fn started(moto: &Moto, more: &[&str]) -> Result<Service, Absent> {
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
    let arguments = [&[moto.endpoint.as_str(), REGION], more].concat();
    let script = "tests/stand-in/machine.py";
    Ok(Service::start(&python, script, &arguments))
}

/// Sends the ports of an address (of all, if it is empty) to loopback ports.
fn redirections<const N: usize>(address: &str, ports: [(&str, u16); N]) -> Vec<String> {
    let one = |(port, there): (&str, u16)| {
        let redirection = format!("{address}:{port}:127.0.0.1:{there}");
        ["--connect-to".to_owned(), redirection]
    };
    ports.into_iter().flat_map(one).collect()
}
