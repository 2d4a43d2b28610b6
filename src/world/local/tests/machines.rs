//! Machines that the embedded cloud launches: logging in, pages.

use std::time::Duration;

use base64::Engine as _;

use opsh_operation::FaultKind;

use super::{Local, cancel, elapsed, get, local, run};
use crate::world::{Scope, World as _};

/// Launches a web server and returns its public address when it is running.
async fn launch(
    client: &aws_sdk_ec2::Client,
    local: &Local,
    public_key: &str,
    user_data: &str,
) -> String {
    use aws_sdk_ec2::types::{InstanceStateName, InstanceType, IpPermission, IpRange};
    let material = aws_sdk_ec2::primitives::Blob::new(public_key.as_bytes());
    let import = client.import_key_pair().key_name("k");
    import.public_key_material(material).send().await.unwrap();
    let group = client
        .create_security_group()
        .group_name("web")
        .description("web");
    let group = group.send().await.unwrap().group_id.unwrap();
    for port in [22, 80] {
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(port)
            .to_port(port)
            .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
            .build();
        let open = client.authorize_security_group_ingress().group_id(&group);
        open.ip_permissions(permission).send().await.unwrap();
    }
    let made = client
        .run_instances()
        .image_id(opsh_cloud::furnish::AL2023_X86_64)
        .instance_type(InstanceType::T3Nano)
        .key_name("k")
        .security_group_ids(group)
        .user_data(base64::engine::general_purpose::STANDARD.encode(user_data))
        .client_token("once")
        .min_count(1)
        .max_count(1)
        .send()
        .await
        .unwrap();
    let id = made.instances()[0].instance_id().unwrap().to_owned();
    loop {
        let described = client
            .describe_instances()
            .instance_ids(&id)
            .send()
            .await
            .unwrap();
        let instance = &described.reservations()[0].instances()[0];
        if instance.state().unwrap().name() == Some(&InstanceStateName::Running) {
            return instance.public_ip_address().unwrap().to_owned();
        }
        local.cloud().clock().timer(Duration::from_secs(5)).await;
    }
}

fn key_file(folder: &std::path::Path) -> (std::path::PathBuf, String) {
    let seed = ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
    let key = ssh_key::PrivateKey::from(seed);
    let path = folder.join("key");
    std::fs::write(
        &path,
        key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_str(),
    )
    .unwrap();
    (path, key.public_key().to_openssh().unwrap())
}

fn target(
    address: &str,
    key: &std::path::Path,
    host_key: crate::world::ssh::HostKey,
) -> crate::world::ssh::Target {
    crate::world::ssh::Target {
        host: address.to_owned(),
        port: None,
        user: Some("ec2-user".to_owned()),
        key_file: Some(key.to_owned()),
        passphrase: None,
        host_key,
        connect_timeout: Duration::from_secs(10),
    }
}

fn connect(
    local: &Local,
    target: &crate::world::ssh::Target,
) -> Result<Box<dyn crate::world::ssh::Session>, opsh_operation::Fault> {
    loop {
        match local.ssh().connect(target, &cancel()) {
            Err(fault) if fault.retryable => {
                local.sleep(Duration::from_secs(5), &cancel()).unwrap();
            }
            other => return other,
        }
    }
}

#[test]
fn an_instance_lets_its_owner_in() {
    use crate::world::ssh::HostKey;
    let folder = tempfile::tempdir().unwrap();
    let (key, public) = key_file(folder.path());
    let local = local();
    let client =
        aws_sdk_ec2::Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config());
    let address = run(&local, launch(&client, &local, &public, "#!/bin/sh\n"));
    let fault = connect(&local, &target(&address, &key, HostKey::Known))
        .err()
        .unwrap();
    assert_eq!(fault.kind, FaultKind::HostKey);
    let mut session = connect(&local, &target(&address, &key, HostKey::AcceptNew)).unwrap();
    let command = crate::world::ssh::Command {
        line: "whoami; echo $HOME".to_owned(),
        stdin: crate::world::content::Content::default(),
        timeout: Duration::from_mins(1),
        limit: 1 << 20,
    };
    local.sleep(Duration::from_mins(3), &cancel()).unwrap();
    let output = session.run(&command, &cancel()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ec2-user\n/home/ec2-user\n"
    );
    let pinned = HostKey::Pinned(vec![session.host_key()]);
    assert!(connect(&local, &target(&address, &key, pinned)).is_ok());
    let wrong = HostKey::Pinned(vec!["SHA256:wrong".to_owned()]);
    let fault = connect(&local, &target(&address, &key, wrong))
        .err()
        .unwrap();
    assert_eq!(fault.code.as_deref(), Some("ChangedHostKey"));
    let refused = local
        .http()
        .send(&get(&format!("http://{address}/")), &cancel());
    assert_eq!(refused.unwrap_err().kind, FaultKind::Unreachable);
    let closed = local
        .http()
        .send(&get(&format!("http://{address}:8080/")), &cancel());
    assert_eq!(closed.unwrap_err().kind, FaultKind::Timeout);
}

#[test]
fn a_stranger_is_not_let_in() {
    use crate::world::ssh::HostKey;
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = key_file(folder.path());
    let local = local();
    let client =
        aws_sdk_ec2::Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config());
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f";
    let address = run(&local, launch(&client, &local, other, "#!/bin/sh\n"));
    let fault = connect(&local, &target(&address, &key, HostKey::AcceptNew))
        .err()
        .unwrap();
    assert_eq!(fault.code.as_deref(), Some("AuthenticationFailed"));
    assert!(
        fault.message.contains("Permission denied (publickey"),
        "{}",
        fault.message
    );
}

#[test]
fn a_page_is_served_once_user_data_has_run() {
    let local = local();
    let client =
        aws_sdk_ec2::Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f";
    let script = "#!/bin/bash\ndnf install -y httpd\nsystemctl enable --now httpd\n\
                  echo hello > /var/www/html/index.html\n";
    let url = format!(
        "http://{}/",
        run(&local, launch(&client, &local, key, script))
    );
    let page = loop {
        match local.http().send(&get(&url), &cancel()) {
            Ok(page) if page.status == 200 => break page,
            Ok(_) => local.sleep(Duration::from_secs(5), &cancel()).unwrap(),
            Err(fault) => {
                assert!(matches!(
                    fault.kind,
                    FaultKind::Unreachable | FaultKind::Timeout
                ));
                local.sleep(Duration::from_secs(5), &cancel()).unwrap();
            }
        }
        assert!(elapsed(&local) < 600_000, "no page after ten minutes");
    };
    assert_eq!(page.body, b"hello\n");
}
