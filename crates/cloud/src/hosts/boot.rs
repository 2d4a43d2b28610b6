//! What an instance is told when it starts: the facts EC2 knows about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The family of operating system on an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Flavour {
    /// Amazon Linux 2023: `dnf`, `httpd`, user `ec2-user`.
    AmazonLinux2023,
    /// Ubuntu Server 24.04 LTS: `apt-get`, `apache2`, user `ubuntu`.
    Ubuntu2404,
}

impl Flavour {
    /// The user that the image creates for its owner.
    #[must_use]
    pub fn default_user(self) -> &'static str {
        match self {
            Self::AmazonLinux2023 => "ec2-user",
            Self::Ubuntu2404 => "ubuntu",
        }
    }

    /// The version of its C library.
    #[must_use]
    pub fn glibc(self) -> &'static str {
        match self {
            Self::AmazonLinux2023 => "2.34",
            Self::Ubuntu2404 => "2.39",
        }
    }
}

/// Everything an instance is told when it boots for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// E.g. `i-0a1b2c3d4e5f60718`.
    pub instance_id: String,
    /// E.g. `t3.nano`.
    pub instance_type: String,
    /// Virtual processors of that type.
    pub cpus: u32,
    /// Memory of that type in MiB.
    pub memory_mib: u32,
    /// E.g. `ami-0…`.
    pub image_id: String,
    /// What is on that image.
    pub flavour: Flavour,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// E.g. `us-east-1a`.
    pub availability_zone: String,
    /// E.g. `us-east-1`.
    pub region: String,
    /// The account, twelve digits.
    pub account: String,
    /// E.g. `r-0…`.
    pub reservation_id: String,
    /// E.g. `vpc-0…`.
    pub vpc_id: String,
    /// The VPC's address block, e.g. `172.31.0.0/16`.
    pub vpc_cidr: String,
    /// E.g. `subnet-0…`.
    pub subnet_id: String,
    /// The subnet's address block, e.g. `172.31.0.0/20`.
    pub subnet_cidr: String,
    /// The primary network interface, e.g. `eni-0…`.
    pub interface_id: String,
    /// Its hardware address, e.g. `0a:1b:2c:3d:4e:5f`.
    pub mac: String,
    /// The names and ids of the primary interface's security groups.
    pub security_groups: Vec<(String, String)>,
    /// Where it answers.
    pub addresses: Addresses,
    /// The key pair's name and public half (`ssh-ed25519 AAAA… comment`).
    pub key: Option<(String, String)>,
    /// What cloud-init runs, decoded from the API's base64.
    pub user_data: Option<Vec<u8>>,
    /// The instance profile's ARN.
    pub iam_profile: Option<String>,
    /// The instance's tags, which its metadata shows if `tags_in_metadata`.
    pub tags: BTreeMap<String, String>,
    /// `InstanceMetadataTags` is enabled.
    pub tags_in_metadata: bool,
    /// `HttpTokens` is `required`: only version 2 of the metadata service answers.
    pub http_tokens_required: bool,
}

/// Where an instance answers; changes when it is stopped and started again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// E.g. `172.31.5.6`.
    pub private: String,
    /// E.g. `ip-172-31-5-6.ec2.internal`.
    pub private_dns: String,
    /// E.g. `203.0.113.10`, if it has one.
    pub public: Option<String>,
    /// E.g. `ec2-203-0-113-10.compute-1.amazonaws.com`, if it has one.
    pub public_dns: Option<String>,
}

impl Addresses {
    /// The host's own name: the first label of its private DNS name.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.private_dns.split('.').next().unwrap_or("localhost")
    }
}
