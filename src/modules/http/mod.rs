//! The module `http`: requests to sites and hosts.
//!
//! `get`, `head`, `post`, `put` and `delete` are one table (`methods`);
//! `download` (`download`) writes a file. `request` reads what they share.

use opsh_operation::{FaultKind, Raises};

use super::declare::raises;
use super::{Entry, Handler};

mod download;
mod load;
mod measure;
mod methods;
mod request;

/// What a request fails with; the last three only where statuses are checked.
const REQUEST: &[Raises] = &[
    raises(
        FaultKind::Unreachable,
        "Nothing answers there, or its name is unknown.",
    ),
    raises(FaultKind::Timeout, "The answer has not come in time."),
    raises(FaultKind::Limit, "The body is larger than the limit."),
    raises(FaultKind::Denied, "The status is 401 or 403."),
    raises(FaultKind::NotFound, "The status is 404 or 410."),
    raises(FaultKind::Throttled, "The status is 429."),
];

/// The module's operations.
pub static ENTRIES: &[Entry] = &[
    Entry {
        operation: &methods::GET,
        handler: Handler::Native(methods::get),
    },
    Entry {
        operation: &methods::HEAD,
        handler: Handler::Native(methods::head),
    },
    Entry {
        operation: &methods::POST,
        handler: Handler::Native(methods::post),
    },
    Entry {
        operation: &methods::PUT,
        handler: Handler::Native(methods::put),
    },
    Entry {
        operation: &methods::DELETE,
        handler: Handler::Native(methods::delete),
    },
    Entry {
        operation: &load::LOAD,
        handler: Handler::Native(load::load),
    },
    Entry {
        operation: &download::DOWNLOAD,
        handler: Handler::Native(download::download),
    },
];

/// Rhai that leaves a running web server's address in `address`: what the examples begin with.
macro_rules! with_site {
    ($example:literal) => {
        concat!(
            "let image = ssm::get_parameter(#{ name: \"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64\" }).parameter.value;\n",
            "let group = ec2::create_security_group(#{ group_name: \"site\", description: \"HTTP\" }).group_id;\n",
            "ec2::authorize_security_group_ingress(#{ group_id: group, ip_permissions: [#{ ip_protocol: \"tcp\", from_port: 80, to_port: 80, ip_ranges: [#{ cidr_ip: \"0.0.0.0/0\" }] }] });\n",
            "let setup = \"#!/bin/sh\\ndnf install -y httpd\\necho '<h1>hello</h1>' > /var/www/html/index.html\\nsystemctl enable --now httpd\\n\";\n",
            "let id = ec2::run_instances(#{ image_id: image, instance_type: \"t3.nano\", min_count: 1, max_count: 1, security_group_ids: [group], user_data: text::base64_encode(setup) }).instances[0].instance_id;\n",
            "ec2::wait_until_instance_status_ok(#{ instance_ids: [id] });\n",
            "let address = ec2::describe_instances(#{ instance_ids: [id] }).reservations[0].instances[0].public_ip_address;\n",
            $example
        )
    };
}
use with_site;
