"""Says what exists at an AWS endpoint, as boto3 sees it; knows nothing of opsh.

    witness.py resources ENDPOINT REGION     everything that somebody made there, as a JSON list
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


def tags(listed):
    return {tag["Key"]: tag["Value"] for tag in listed or []}


class Witness:
    def __init__(self, endpoint, region):
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


def main():
    what, endpoint, region = sys.argv[1:]
    if what == "reset":
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
        print("{}")
    else:
        print(json.dumps(getattr(Witness(endpoint, region), what)()))


if __name__ == "__main__":
    main()
