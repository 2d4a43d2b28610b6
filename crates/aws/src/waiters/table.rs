//! The conditions, after the service models' waiters
//! (`waiters-2.json` of botocore) where they have one.

use opsh_operation::{Effect, Operation, Shape, Value};

use super::{End, Rule, Waiter, When, wait};
use crate::generated::{autoscaling, cloudwatch, ec2, elbv2, iam, lambda, s3};
use crate::{Binding, Fills};

const fn done(when: When) -> Rule {
    Rule {
        when,
        end: End::Success,
    }
}

const fn lost(when: When) -> Rule {
    Rule {
        when,
        end: End::Failure,
    }
}

/// Declares the waiters and their bindings.
macro_rules! waiters {
    ($($module:ident $id:ident $name:literal polls $table:ident $poll:ident until $until:literal
        $summary:literal
        state $state:literal reason $reason:literal
        gives $output:expr;
        [$($rule:expr),+ $(,)?]
        example $example:expr;)+) => {
        $(static $id: Waiter = Waiter {
            operation: Operation {
                module: $module::$table.module,
                name: $name,
                action: $module::$table.action,
                summary: $summary,
                input: $module::$table.input,
                positional: &[],
                output: $output,
                effect: Effect::Read,
                raises: &[],
                example: $example,
            },
            poll: $module::$poll,
            until: $until,
            rules: &[$($rule),+],
            state: $state,
            reason: $reason,
        };)+

        /// Every waiter.
        pub(crate) static BINDINGS: &[Binding] = &[
            $(Binding {
                operation: &$id.operation,
                call: |session, input, controls| wait(&$id, session, input, controls),
                fills: Fills::NONE,
            },)+
        ];
    };
}

const INSTANCE: &str = "reservations[].instances[].state.name";
const VOLUME: &str = "volumes[].state";
const TARGET: &str = "target_health_descriptions[].target_health.state";

/// What an example begins with.
macro_rules! balancer {
    () => {
        r#"let subnets = ec2::describe_subnets(#{ filters: #{ "default-for-az": "true" } }).subnets.map(|subnet| subnet.subnet_id);
let balancer = elbv2::create_load_balancer(#{ name: "example", subnets: subnets }).load_balancers[0].load_balancer_arn;
"#
    };
}
macro_rules! bucket {
    () => {
        r#"s3::create_bucket(#{ bucket: "opsh-example" });
"#
    };
}
macro_rules! image {
    () => {
        r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
"#
    };
}
macro_rules! instance {
    () => {
        r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let id = ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1 }).instances[0].instance_id;
"#
    };
}
macro_rules! function {
    () => {
        r##"let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
let role = iam::create_role(#{ role_name: "example", assume_role_policy_document: trust }).role.arn;
let code = text::base64_decode("UEsDBBQAAAAAAAAAIVwdnfsECgAAAAoAAAAJAAAAYm9vdHN0cmFwIyEvYmluL3NoClBLAQIUAxQAAAAAAAAAIVwdnfsECgAAAAoAAAAJAAAAAAAAAAAAAADtgQAAAABib290c3RyYXBQSwUGAAAAAAEAAQA3AAAAMQAAAAAA", #{ bytes: true });
lambda::create_function(#{ function_name: "example", runtime: "provided.al2023", handler: "main", role: role, code: #{ zip_file: code } });
"##
    };
}
macro_rules! target {
    () => {
        r#"let vpc = ec2::describe_vpcs(#{ filters: #{ "is-default": "true" } }).vpcs[0].vpc_id;
let target = elbv2::create_target_group(#{ name: "example", protocol: "HTTP", port: 80, vpc_id: vpc }).target_groups[0].target_group_arn;
"#
    };
}
macro_rules! template {
    () => {
        r#"let image = ssm::get_parameter(#{ name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }).parameter.value;
let template = ec2::create_launch_template(#{ launch_template_name: "example", launch_template_data: #{ image_id: image, instance_type: "t3.nano" } }).launch_template.launch_template_id;
let zone = ec2::describe_availability_zones(#{}).availability_zones[0].zone_name;
"#
    };
}
macro_rules! volume {
    () => {
        r#"let zone = ec2::describe_availability_zones(#{}).availability_zones[0].zone_name;
let volume = ec2::create_volume(#{ availability_zone: zone, size: 8 }).volume_id;
"#
    };
}

waiters! {
    ec2 INSTANCE_EXISTS "wait_until_instance_exists" polls DESCRIBE_INSTANCES describe_instances until "the instance exists"
        "Waits until instances can be seen."
        state "reservations[].instances[].state.name" reason ""
        gives ec2::DESCRIBE_INSTANCES.output;
        [done(When::Some("reservations[]"))]
        example concat!(instance!(), "ec2::wait_until_instance_exists(#{ instance_ids: [id] }).reservations[0].instances[0].instance_id");

    ec2 INSTANCE_RUNNING "wait_until_instance_running" polls DESCRIBE_INSTANCES describe_instances until "the instance is running"
        "Waits until instances are running; ends at once if one stops or terminates."
        state "reservations[].instances[].state.name" reason "reservations[].instances[].state_reason.message"
        gives ec2::DESCRIBE_INSTANCES.output;
        [done(When::All(INSTANCE, &["running"])), lost(When::Any(INSTANCE, &["shutting-down", "terminated", "stopping"]))]
        example concat!(instance!(), r#"ec2::wait_until_instance_running(#{ instance_ids: [id] }, #{ timeout: "5m" }).reservations[0].instances[0].state.name"#);

    ec2 INSTANCE_STOPPED "wait_until_instance_stopped" polls DESCRIBE_INSTANCES describe_instances until "the instance is stopped"
        "Waits until instances are stopped; ends at once if one terminates."
        state "reservations[].instances[].state.name" reason "reservations[].instances[].state_reason.message"
        gives ec2::DESCRIBE_INSTANCES.output;
        [done(When::All(INSTANCE, &["stopped"])), lost(When::Any(INSTANCE, &["shutting-down", "terminated"]))]
        example concat!(instance!(), "ec2::wait_until_instance_running(#{ instance_ids: [id] });\nec2::stop_instances(#{ instance_ids: [id] });\nec2::wait_until_instance_stopped(#{ instance_ids: [id] }).reservations[0].instances[0].state.name");

    ec2 INSTANCE_TERMINATED "wait_until_instance_terminated" polls DESCRIBE_INSTANCES describe_instances until "the instance is terminated"
        "Waits until instances are terminated, or are not known any more."
        state "reservations[].instances[].state.name" reason "reservations[].instances[].state_reason.message"
        gives ec2::DESCRIBE_INSTANCES.output;
        [done(When::All(INSTANCE, &["terminated"])), done(When::Missing)]
        example concat!(instance!(), "ec2::terminate_instances(#{ instance_ids: [id] });\nec2::wait_until_instance_terminated(#{ instance_ids: [id] }).reservations[0].instances[0].state.name");

    ec2 INSTANCE_STATUS_OK "wait_until_instance_status_ok" polls DESCRIBE_INSTANCE_STATUS describe_instance_status until "the instance passes its status checks"
        "Waits until instances pass their own status checks, some minutes after they run."
        state "instance_statuses[].instance_status.status" reason ""
        gives ec2::DESCRIBE_INSTANCE_STATUS.output;
        [done(When::All("instance_statuses[].instance_status.status", &["ok"]))]
        example concat!(instance!(), "ec2::wait_until_instance_status_ok(#{ instance_ids: [id] }).instance_statuses[0].instance_status.status");

    ec2 SYSTEM_STATUS_OK "wait_until_system_status_ok" polls DESCRIBE_INSTANCE_STATUS describe_instance_status until "the instance's host passes its status checks"
        "Waits until the hosts of instances pass their status checks."
        state "instance_statuses[].system_status.status" reason ""
        gives ec2::DESCRIBE_INSTANCE_STATUS.output;
        [done(When::All("instance_statuses[].system_status.status", &["ok"]))]
        example concat!(instance!(), "ec2::wait_until_system_status_ok(#{ instance_ids: [id] }).instance_statuses[0].system_status.status");

    ec2 IMAGE_AVAILABLE "wait_until_image_available" polls DESCRIBE_IMAGES describe_images until "the image is available"
        "Waits until images can be launched; ends at once if making one failed."
        state "images[].state" reason "images[].state_reason.message"
        gives ec2::DESCRIBE_IMAGES.output;
        [done(When::All("images[].state", &["available"])), lost(When::Any("images[].state", &["failed", "error", "invalid", "deregistered"]))]
        example concat!(image!(), "ec2::wait_until_image_available(#{ image_ids: [image] }).images[0].state");

    ec2 SNAPSHOT_COMPLETED "wait_until_snapshot_completed" polls DESCRIBE_SNAPSHOTS describe_snapshots until "the snapshot is complete"
        "Waits until snapshots are complete; ends at once if one failed."
        state "snapshots[].state" reason "snapshots[].state_message"
        gives ec2::DESCRIBE_SNAPSHOTS.output;
        [done(When::All("snapshots[].state", &["completed"])), lost(When::Any("snapshots[].state", &["error"]))]
        example concat!(volume!(), "ec2::wait_until_volume_available(#{ volume_ids: [volume] });\nlet snapshot = ec2::create_snapshot(#{ volume_id: volume }).snapshot_id;\nec2::wait_until_snapshot_completed(#{ snapshot_ids: [snapshot] }).snapshots[0].progress");

    ec2 VOLUME_AVAILABLE "wait_until_volume_available" polls DESCRIBE_VOLUMES describe_volumes until "the volume is available"
        "Waits until volumes are free to be attached; ends at once if one is deleted."
        state "volumes[].state" reason ""
        gives ec2::DESCRIBE_VOLUMES.output;
        [done(When::All(VOLUME, &["available"])), lost(When::Any(VOLUME, &["deleted", "error"]))]
        example concat!(volume!(), "ec2::wait_until_volume_available(#{ volume_ids: [volume] }).volumes[0].state");

    ec2 VOLUME_IN_USE "wait_until_volume_in_use" polls DESCRIBE_VOLUMES describe_volumes until "the volume is attached"
        "Waits until volumes are attached; ends at once if one is deleted."
        state "volumes[].state" reason ""
        gives ec2::DESCRIBE_VOLUMES.output;
        [done(When::All(VOLUME, &["in-use"])), lost(When::Any(VOLUME, &["deleted", "error"]))]
        example concat!(instance!(), r#"ec2::wait_until_volume_in_use(#{ filters: #{ "attachment.instance-id": id } }).volumes[0].state"#);

    ec2 VOLUME_DELETED "wait_until_volume_deleted" polls DESCRIBE_VOLUMES describe_volumes until "the volume is deleted"
        "Waits until volumes are deleted."
        state "volumes[].state" reason ""
        gives ec2::DESCRIBE_VOLUMES.output;
        [done(When::Missing), done(When::All(VOLUME, &["deleted"])), done(When::None("volumes[]"))]
        example concat!(volume!(), "ec2::wait_until_volume_available(#{ volume_ids: [volume] });\nec2::delete_volume(#{ volume_id: volume });\nec2::wait_until_volume_deleted(#{ volume_ids: [volume] })");

    ec2 KEY_PAIR_EXISTS "wait_until_key_pair_exists" polls DESCRIBE_KEY_PAIRS describe_key_pairs until "the key pair exists"
        "Waits until key pairs can be seen."
        state "" reason ""
        gives ec2::DESCRIBE_KEY_PAIRS.output;
        [done(When::Some("key_pairs[]"))]
        example r#"ec2::create_key_pair(#{ key_name: "example", key_type: "ed25519" });
ec2::wait_until_key_pair_exists(#{ key_names: ["example"] }).key_pairs[0].key_name"#;

    ec2 SECURITY_GROUP_EXISTS "wait_until_security_group_exists" polls DESCRIBE_SECURITY_GROUPS describe_security_groups until "the security group exists"
        "Waits until security groups can be seen."
        state "" reason ""
        gives ec2::DESCRIBE_SECURITY_GROUPS.output;
        [done(When::Some("security_groups[]"))]
        example r#"let group = ec2::create_security_group(#{ group_name: "example", description: "An example." }).group_id;
ec2::wait_until_security_group_exists(#{ group_ids: [group] }).security_groups[0].group_name"#;

    s3 BUCKET_EXISTS "wait_until_bucket_exists" polls HEAD_BUCKET head_bucket until "the bucket exists"
        "Waits until a bucket can be seen."
        state "" reason ""
        gives s3::HEAD_BUCKET.output;
        [done(When::Answers)]
        example concat!(bucket!(), r#"s3::wait_until_bucket_exists(#{ bucket: "opsh-example" })"#);

    s3 BUCKET_NOT_EXISTS "wait_until_bucket_not_exists" polls HEAD_BUCKET head_bucket until "the bucket is gone"
        "Waits until a bucket cannot be seen any more."
        state "" reason ""
        gives Shape::Nothing;
        [done(When::Missing)]
        example concat!(bucket!(), r#"s3::delete_bucket(#{ bucket: "opsh-example" });
s3::wait_until_bucket_not_exists(#{ bucket: "opsh-example" })"#);

    s3 OBJECT_EXISTS "wait_until_object_exists" polls HEAD_OBJECT head_object until "the object exists"
        "Waits until an object can be seen."
        state "" reason ""
        gives s3::HEAD_OBJECT.output;
        [done(When::Answers)]
        example concat!(bucket!(), r#"s3::put_object(#{ bucket: "opsh-example", key: "a.txt", body: "hello" });
s3::wait_until_object_exists(#{ bucket: "opsh-example", key: "a.txt" }).content_length"#);

    s3 OBJECT_NOT_EXISTS "wait_until_object_not_exists" polls HEAD_OBJECT head_object until "the object is gone"
        "Waits until an object cannot be seen any more."
        state "" reason ""
        gives Shape::Nothing;
        [done(When::Missing)]
        example concat!(bucket!(), r#"s3::wait_until_object_not_exists(#{ bucket: "opsh-example", key: "a.txt" })"#);

    cloudwatch ALARM_EXISTS "wait_until_alarm_exists" polls DESCRIBE_ALARMS describe_alarms until "the alarm exists"
        "Waits until metric alarms can be seen."
        state "" reason ""
        gives cloudwatch::DESCRIBE_ALARMS.output;
        [done(When::Some("metric_alarms[]"))]
        example r#"cloudwatch::put_metric_alarm(#{ alarm_name: "busy", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average", period: 60, evaluation_periods: 1, threshold: 80.0, comparison_operator: "GreaterThanThreshold" });
cloudwatch::wait_until_alarm_exists(#{ alarm_names: ["busy"] }).metric_alarms[0].state_value"#;

    autoscaling GROUP_EXISTS "wait_until_group_exists" polls DESCRIBE_AUTO_SCALING_GROUPS describe_auto_scaling_groups until "the group exists"
        "Waits until Auto Scaling groups can be seen."
        state "auto_scaling_groups[].status" reason ""
        gives autoscaling::DESCRIBE_AUTO_SCALING_GROUPS.output;
        [done(When::Some("auto_scaling_groups[]"))]
        example concat!(template!(), r#"autoscaling::create_auto_scaling_group(#{ auto_scaling_group_name: "example", launch_template: #{ launch_template_id: template }, min_size: 0, max_size: 1, availability_zones: [zone] });
autoscaling::wait_until_group_exists(#{ auto_scaling_group_names: ["example"] }).auto_scaling_groups[0].min_size"#);

    autoscaling GROUP_IN_SERVICE "wait_until_group_in_service" polls DESCRIBE_AUTO_SCALING_GROUPS describe_auto_scaling_groups until "the group has its instances in service"
        "Waits until Auto Scaling groups have at least their minimum of instances in service."
        state "auto_scaling_groups[].instances[].lifecycle_state" reason ""
        gives autoscaling::DESCRIBE_AUTO_SCALING_GROUPS.output;
        [done(When::Holds(groups_in_service))]
        example concat!(template!(), r#"autoscaling::create_auto_scaling_group(#{ auto_scaling_group_name: "example", launch_template: #{ launch_template_id: template }, min_size: 1, max_size: 1, availability_zones: [zone] });
autoscaling::wait_until_group_in_service(#{ auto_scaling_group_names: ["example"] }).auto_scaling_groups[0].instances[0].lifecycle_state"#);

    autoscaling GROUP_NOT_EXISTS "wait_until_group_not_exists" polls DESCRIBE_AUTO_SCALING_GROUPS describe_auto_scaling_groups until "the group is gone"
        "Waits until Auto Scaling groups, and with them their instances, are gone."
        state "auto_scaling_groups[].status" reason ""
        gives autoscaling::DESCRIBE_AUTO_SCALING_GROUPS.output;
        [done(When::None("auto_scaling_groups[]"))]
        example r#"autoscaling::wait_until_group_not_exists(#{ auto_scaling_group_names: ["example"] })"#;

    elbv2 LOAD_BALANCER_EXISTS "wait_until_load_balancer_exists" polls DESCRIBE_LOAD_BALANCERS describe_load_balancers until "the load balancer exists"
        "Waits until load balancers can be seen."
        state "load_balancers[].state.code" reason "load_balancers[].state.reason"
        gives elbv2::DESCRIBE_LOAD_BALANCERS.output;
        [done(When::Some("load_balancers[]"))]
        example concat!(balancer!(), "elbv2::wait_until_load_balancer_exists(#{ load_balancer_arns: [balancer] }).load_balancers[0].load_balancer_name");

    elbv2 LOAD_BALANCER_AVAILABLE "wait_until_load_balancer_available" polls DESCRIBE_LOAD_BALANCERS describe_load_balancers until "the load balancer is active"
        "Waits until load balancers are active; ends at once if one failed."
        state "load_balancers[].state.code" reason "load_balancers[].state.reason"
        gives elbv2::DESCRIBE_LOAD_BALANCERS.output;
        [done(When::All("load_balancers[].state.code", &["active"])), lost(When::Any("load_balancers[].state.code", &["failed"]))]
        example concat!(balancer!(), "elbv2::wait_until_load_balancer_available(#{ load_balancer_arns: [balancer] }).load_balancers[0].state.code");

    elbv2 LOAD_BALANCERS_DELETED "wait_until_load_balancers_deleted" polls DESCRIBE_LOAD_BALANCERS describe_load_balancers until "the load balancer is gone"
        "Waits until load balancers are gone."
        state "load_balancers[].state.code" reason ""
        gives elbv2::DESCRIBE_LOAD_BALANCERS.output;
        [done(When::Missing), done(When::None("load_balancers[]"))]
        example r#"elbv2::wait_until_load_balancers_deleted(#{ names: ["example"] })"#;

    elbv2 TARGET_IN_SERVICE "wait_until_target_in_service" polls DESCRIBE_TARGET_HEALTH describe_target_health until "the targets are healthy"
        "Waits until the targets of a group are healthy."
        state "target_health_descriptions[].target_health.state" reason "target_health_descriptions[].target_health.description"
        gives elbv2::DESCRIBE_TARGET_HEALTH.output;
        [done(When::All(TARGET, &["healthy"]))]
        example concat!(target!(), image!(), balancer!(), r##"let http = ec2::create_security_group(#{ group_name: "http", description: "HTTP from everywhere." }).group_id;
ec2::authorize_security_group_ingress(#{ group_id: http, ip_permissions: [#{ ip_protocol: "tcp", from_port: 80, to_port: 80, ip_ranges: [#{ cidr_ip: "0.0.0.0/0" }] }] });
let setup = "#!/bin/sh\ndnf install -y httpd\necho hello > /var/www/html/index.html\nsystemctl enable --now httpd\n";
let id = ec2::run_instances(#{ image_id: image, instance_type: "t3.nano", min_count: 1, max_count: 1, security_group_ids: [http], user_data: text::base64_encode(setup) }).instances[0].instance_id;
ec2::wait_until_instance_running(#{ instance_ids: [id] });
elbv2::create_listener(#{ load_balancer_arn: balancer, protocol: "HTTP", port: 80, default_actions: [#{ type: "forward", target_group_arn: target }] });
elbv2::register_targets(#{ target_group_arn: target, targets: [#{ id: id }] });
elbv2::wait_until_target_in_service(#{ target_group_arn: target }, #{ timeout: "10m" }).target_health_descriptions[0].target_health.state"##);

    elbv2 TARGET_DEREGISTERED "wait_until_target_deregistered" polls DESCRIBE_TARGET_HEALTH describe_target_health until "the targets are deregistered"
        "Waits until targets are deregistered: their connections are drained."
        state "target_health_descriptions[].target_health.state" reason "target_health_descriptions[].target_health.description"
        gives elbv2::DESCRIBE_TARGET_HEALTH.output;
        [done(When::Missing), done(When::None("target_health_descriptions[]")), done(When::All(TARGET, &["unused"]))]
        example concat!(target!(), instance!(), r#"ec2::wait_until_instance_running(#{ instance_ids: [id] });
elbv2::register_targets(#{ target_group_arn: target, targets: [#{ id: id }] });
elbv2::deregister_targets(#{ target_group_arn: target, targets: [#{ id: id }] });
elbv2::wait_until_target_deregistered(#{ target_group_arn: target })"#);

    iam ROLE_EXISTS "wait_until_role_exists" polls GET_ROLE get_role until "the role exists"
        "Waits until a role can be seen."
        state "" reason ""
        gives iam::GET_ROLE.output;
        [done(When::Answers)]
        example r#"let trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`;
iam::create_role(#{ role_name: "example", assume_role_policy_document: trust });
iam::wait_until_role_exists(#{ role_name: "example" }).role.arn"#;

    iam INSTANCE_PROFILE_EXISTS "wait_until_instance_profile_exists" polls GET_INSTANCE_PROFILE get_instance_profile until "the instance profile exists"
        "Waits until an instance profile can be seen."
        state "" reason ""
        gives iam::GET_INSTANCE_PROFILE.output;
        [done(When::Answers)]
        example r#"iam::create_instance_profile(#{ instance_profile_name: "example" });
iam::wait_until_instance_profile_exists(#{ instance_profile_name: "example" }).instance_profile.arn"#;

    lambda FUNCTION_EXISTS "wait_until_function_exists" polls GET_FUNCTION get_function until "the function exists"
        "Waits until a function can be seen."
        state "configuration.state" reason "configuration.state_reason"
        gives lambda::GET_FUNCTION.output;
        [done(When::Answers)]
        example concat!(function!(), r#"lambda::wait_until_function_exists(#{ function_name: "example" }).configuration.function_arn"#);

    lambda FUNCTION_ACTIVE "wait_until_function_active_v2" polls GET_FUNCTION get_function until "the function is active"
        "Waits until a function can be invoked; ends at once if it could not be made."
        state "configuration.state" reason "configuration.state_reason"
        gives lambda::GET_FUNCTION.output;
        [done(When::All("configuration.state", &["Active"])), lost(When::Any("configuration.state", &["Failed"]))]
        example concat!(function!(), r#"lambda::wait_until_function_active_v2(#{ function_name: "example" }).configuration.state"#);

    lambda FUNCTION_UPDATED "wait_until_function_updated_v2" polls GET_FUNCTION get_function until "the function's update is done"
        "Waits until the last update of a function is done; ends at once if it failed."
        state "configuration.last_update_status" reason "configuration.last_update_status_reason"
        gives lambda::GET_FUNCTION.output;
        [done(When::All("configuration.last_update_status", &["Successful"])), lost(When::Any("configuration.last_update_status", &["Failed"]))]
        example concat!(function!(), r#"lambda::wait_until_function_active_v2(#{ function_name: "example" });
lambda::update_function_configuration(#{ function_name: "example", memory_size: 256 });
lambda::wait_until_function_updated_v2(#{ function_name: "example" }).configuration.memory_size"#);
}

/// The groups exist, and each has at least its minimum of instances in service.
fn groups_in_service(result: &Value) -> bool {
    let Some(groups) = result.get("auto_scaling_groups").and_then(Value::as_list) else {
        return false;
    };
    !groups.is_empty()
        && groups.iter().all(|group| {
            let serving = group
                .get("instances")
                .and_then(Value::as_list)
                .unwrap_or_default()
                .iter()
                .filter(|instance| {
                    instance.get("lifecycle_state").and_then(Value::as_text) == Some("InService")
                })
                .count();
            let least = group.get("min_size").and_then(Value::as_int).unwrap_or(0);
            i64::try_from(serving).is_ok_and(|serving| serving >= least)
        })
}
