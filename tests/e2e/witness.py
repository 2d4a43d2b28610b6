"""Says what exists at an AWS endpoint, as boto3 sees it; knows nothing of opsh.

    witness.py resources ENDPOINT REGION     everything that somebody made there, as a JSON list
    witness.py ids ENDPOINT REGION           the same of many more services, as kinds and ids
    witness.py reset ENDPOINT REGION         empties a moto server

Made-up ids are replaced by the names of what they stand for, so that the list can be compared
with another world's: see tests/support/resources.rs.
"""

import hashlib
import json
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"


def tags(listed):
    return {tag["Key"]: tag["Value"] for tag in listed or []}


class Witness:
    def __init__(self, endpoint, region):
        self.endpoint, self.region = endpoint, region

        def client(service):
            return boto3.client(service, endpoint_url=endpoint, region_name=region,
                                aws_access_key_id="witness", aws_secret_access_key="witness")

        self.ec2, self.s3, self.cloudwatch = client("ec2"), client("s3"), client("cloudwatch")
        self.sns, self.autoscaling = client("sns"), client("autoscaling")
        self.names = {}  # of ids

    def every(self, client, operation, key, **arguments):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page[key]

    def instances(self):
        reservations = self.every(self.ec2, "describe_instances", "Reservations")
        for instance in (one for reservation in reservations for one in reservation["Instances"]):
            if instance["State"]["Name"] in ("terminated", "shutting-down"):
                continue
            of = tags(instance.get("Tags"))
            self.names[instance["InstanceId"]] = of.get("Name", "?")
            attribute = self.ec2.describe_instance_attribute(
                InstanceId=instance["InstanceId"], Attribute="userData")
            yield {
                "kind": "instance",
                "name": of.get("Name", "?"),
                "type": instance["InstanceType"],
                "key": instance.get("KeyName"),
                "groups": sorted(group["GroupName"] for group in instance["SecurityGroups"]),
                "monitoring": instance["Monitoring"]["State"] == "enabled",
                "http_tokens": instance["MetadataOptions"]["HttpTokens"],
                "user_data": attribute["UserData"].get("Value"),
                "tags": of,
            }

    def groups(self):
        for group in self.every(self.ec2, "describe_security_groups", "SecurityGroups"):
            if group["GroupName"] == "default":
                continue
            yield {
                "kind": "security group",
                "name": group["GroupName"],
                "description": group["Description"],
                "tags": tags(group.get("Tags")),
            }
            for rule in group["IpPermissions"]:
                for source in rule["IpRanges"] + rule["Ipv6Ranges"] + rule["UserIdGroupPairs"]:
                    yield {
                        "kind": "ingress rule",
                        "group": group["GroupName"],
                        "protocol": rule["IpProtocol"],
                        "from": rule.get("FromPort"),
                        "to": rule.get("ToPort"),
                        "source": source.get("CidrIp") or source.get("CidrIpv6") or source["GroupId"],
                        "description": source.get("Description"),
                    }

    def key_pairs(self):
        for pair in self.ec2.describe_key_pairs()["KeyPairs"]:
            yield {"kind": "key pair", "name": pair["KeyName"], "type": pair.get("KeyType"),
                   "tags": tags(pair.get("Tags"))}

    def disks(self):
        """Volumes that are not an instance's root, snapshots, images: nobody should have made any."""
        for volume in self.every(self.ec2, "describe_volumes", "Volumes"):
            if not volume["Attachments"]:
                yield {"kind": "volume", "name": tags(volume.get("Tags")).get("Name", "?")}
        # moto's own images and snapshots belong to other accounts than its user's.
        for image in self.ec2.describe_images(Owners=["self"])["Images"]:
            yield {"kind": "image", "name": image["Name"]}

    def others(self):
        """What no playbook of these tests makes, so that a stray one is seen."""
        for template in self.every(self.ec2, "describe_launch_templates", "LaunchTemplates"):
            yield {"kind": "launch template", "name": template["LaunchTemplateName"]}
        for address in self.ec2.describe_addresses()["Addresses"]:
            yield {"kind": "address", "name": address["PublicIp"]}
        for topic in self.every(self.sns, "list_topics", "Topics"):
            yield {"kind": "topic", "name": topic["TopicArn"].split(":")[-1]}
        for group in self.every(self.autoscaling, "describe_auto_scaling_groups", "AutoScalingGroups"):
            yield {"kind": "auto scaling group", "name": group["AutoScalingGroupName"]}

    def asked(self, operation, key, **arguments):
        """A part of a bucket that may not be there."""
        try:
            return getattr(self.s3, operation)(**arguments)[key]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def buckets(self):
        for name in (bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]):
            block = self.asked("get_public_access_block", "PublicAccessBlockConfiguration", Bucket=name)
            yield {
                "kind": "bucket",
                "name": name,
                "tags": tags(self.asked("get_bucket_tagging", "TagSet", Bucket=name)),
                "public_access_block": block and {
                    "block_public_acls": block["BlockPublicAcls"],
                    "ignore_public_acls": block["IgnorePublicAcls"],
                    "block_public_policy": block["BlockPublicPolicy"],
                    "restrict_public_buckets": block["RestrictPublicBuckets"],
                },
            }
            policy = self.asked("get_bucket_policy", "Policy", Bucket=name)
            if policy:
                yield {"kind": "bucket policy", "bucket": name, "policy": json.loads(policy)}
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=name):
                for key in (entry["Key"] for entry in page.get("Contents", [])):
                    found = self.s3.get_object(Bucket=name, Key=key)
                    yield {"kind": "object", "bucket": name, "key": key,
                           "content_type": found["ContentType"],
                           "sha256": hashlib.sha256(found["Body"].read()).hexdigest(),
                           "metadata": found["Metadata"]}

    def dimensions(self, listed):
        return {one["Name"]: self.names.get(one["Value"], one["Value"]) for one in listed}

    def alarms(self):
        for alarm in self.every(self.cloudwatch, "describe_alarms", "MetricAlarms"):
            yield {
                "kind": "alarm",
                "name": alarm["AlarmName"],
                "description": alarm.get("AlarmDescription"),
                "namespace": alarm["Namespace"],
                "metric": alarm["MetricName"],
                "dimensions": self.dimensions(alarm["Dimensions"]),
                "statistic": alarm["Statistic"],
                "period": alarm["Period"],
                "evaluation_periods": alarm["EvaluationPeriods"],
                "threshold": alarm["Threshold"],
                "comparison": alarm["ComparisonOperator"],
                "missing": alarm.get("TreatMissingData"),
            }

    def metrics(self):
        for metric in self.every(self.cloudwatch, "list_metrics", "Metrics"):
            # AWS's own appear by themselves.
            if not metric["Namespace"].startswith("AWS/"):
                yield {"kind": "metric", "namespace": metric["Namespace"],
                       "name": metric["MetricName"], "dimensions": self.dimensions(metric["Dimensions"])}

    def resources(self):
        return [resource
                for listing in (self.instances, self.groups, self.key_pairs, self.disks, self.others,
                                self.buckets, self.alarms, self.metrics)
                for resource in listing()]

    def ids(self):
        return list(Ids(self.endpoint, self.region).all())


class Ids:
    """Kinds and ids of everything that somebody made, in the words in which `opsh ls` lists a stack."""

    def __init__(self, endpoint, region):
        self.make = lambda service: boto3.client(
            service, endpoint_url=endpoint, region_name=region,
            aws_access_key_id="witness", aws_secret_access_key="witness")

    def every(self, service, operation, key, **arguments):
        client = self.make(service)
        if not client.can_paginate(operation):
            yield from getattr(client, operation)(**arguments)[key]
            return
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page[key]

    def all(self):
        for names in (self.machines, self.network, self.storage, self.balancing, self.scaling,
                      self.messages, self.functions):
            yield from ([kind, name] for kind, name in names())

    def machines(self):
        for reservation in self.every("ec2", "describe_instances", "Reservations"):
            for instance in reservation["Instances"]:
                group = tags(instance.get("Tags")).get("aws:autoscaling:groupName")
                if instance["State"]["Name"] not in ("terminated", "shutting-down"):
                    yield ("group's instance", group) if group else ("ec2:instance", instance["InstanceId"])
        for template in self.every("ec2", "describe_launch_templates", "LaunchTemplates"):
            yield "ec2:launch-template", template["LaunchTemplateId"]
        for pair in self.every("ec2", "describe_key_pairs", "KeyPairs"):
            yield "ec2:key-pair", pair["KeyName"]
        for image in self.every("ec2", "describe_images", "Images", Owners=["self"]):
            yield "ec2:image", image["ImageId"]
        for snapshot in self.every("ec2", "describe_snapshots", "Snapshots"):
            # Those of moto's own images belong to other accounts.
            if snapshot["OwnerId"] == ACCOUNT:
                yield "ec2:snapshot", snapshot["SnapshotId"]
        for volume in self.every("ec2", "describe_volumes", "Volumes"):
            if not volume["Attachments"]:
                yield "ec2:volume", volume["VolumeId"]

    def network(self):
        own = {group["GroupId"]: group["GroupName"]
               for group in self.every("ec2", "describe_security_groups", "SecurityGroups")}
        for group, name in own.items():
            if name != "default":
                yield "ec2:security-group", group
        for rule in self.every("ec2", "describe_security_group_rules", "SecurityGroupRules"):
            if not rule["IsEgress"] and own[rule["GroupId"]] != "default":
                yield "ec2:security-group-rule", rule["SecurityGroupRuleId"]

    def storage(self):
        for bucket in (one["Name"] for one in self.every("s3", "list_buckets", "Buckets")):
            yield "s3:bucket", bucket
            client = self.make("s3")
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for entry in page.get("Contents", []):
                    # The balancer itself tries whether it may write.
                    if not entry["Key"].endswith("/ELBAccessLogTestFile"):
                        yield "s3:object", f"{bucket}/{entry['Key']}"

    def balancing(self):
        for balancer in self.every("elbv2", "describe_load_balancers", "LoadBalancers"):
            arn = balancer["LoadBalancerArn"]
            yield "elasticloadbalancing:loadbalancer", arn
            for listener in self.every("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
                yield "elasticloadbalancing:listener", listener["ListenerArn"]
        for group in self.every("elbv2", "describe_target_groups", "TargetGroups"):
            yield "elasticloadbalancing:targetgroup", group["TargetGroupArn"]

    def scaling(self):
        for group in self.every("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
            yield "autoscaling:group", group["AutoScalingGroupName"]
            yield "group's limits", f"{group['MinSize']} to {group['MaxSize']}"
        for policy in self.every("autoscaling", "describe_policies", "ScalingPolicies"):
            yield "autoscaling:policy", policy["PolicyARN"]
        for alarm in self.every("cloudwatch", "describe_alarms", "MetricAlarms"):
            # Target tracking has alarms of its own.
            if not alarm["AlarmName"].startswith("TargetTracking-"):
                yield "cloudwatch:alarm", alarm["AlarmName"]

    def messages(self):
        for topic in self.every("sns", "list_topics", "Topics"):
            yield "sns:topic", topic["TopicArn"]
        for one in self.every("sns", "list_subscriptions", "Subscriptions"):
            yield "sns:subscription", one["SubscriptionArn"]

    def functions(self):
        for role in (one["RoleName"] for one in self.every("iam", "list_roles", "Roles")):
            yield "iam:role", role
            for policy in self.every("iam", "list_role_policies", "PolicyNames", RoleName=role):
                yield "iam:role-policy", f"{role}/{policy}"
        for name in (one["FunctionName"] for one in self.every("lambda", "list_functions", "Functions")):
            yield "lambda:function", name
            try:
                policy = json.loads(self.make("lambda").get_policy(FunctionName=name)["Policy"])
            except ClientError:
                continue
            for statement in policy["Statement"]:
                yield "lambda:permission", f"{name}/{statement['Sid']}"
        for schedule in self.every("scheduler", "list_schedules", "Schedules"):
            yield "scheduler:schedule", f"{schedule['GroupName']}/{schedule['Name']}"


def main():
    what, endpoint, region = sys.argv[1:]
    if what == "reset":
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
        print("{}")
    else:
        print(json.dumps(getattr(Witness(endpoint, region), what)()))


if __name__ == "__main__":
    main()
