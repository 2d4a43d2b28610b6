"""What playbooks/newwebserver.rhai does, as a plain boto3 and paramiko script.

The same resources with the same settings, the same commands on the machine, the same questions
about its figures, and the same waits: as a careful author would write it who has no opsh. Like
the playbook it converges: what is there is left alone.

    newwebserver_boto3.py --endpoint-url URL --image-url URL [--connect-to HOST:PORT:ADDR:PORT …]

`--connect-to` sends connections to the instance's address elsewhere, as opsh's option does.
"""

import argparse
import datetime
import hashlib
import html
import http.client
import json
import os
import re
import shlex
import sys
import time
import urllib.parse

import boto3
import paramiko
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

USER_DATA = """#!/bin/bash
set -eux
dnf -y upgrade
dnf -y install httpd
systemctl enable --now httpd
"""

METADATA = """
base=http://169.254.169.254/latest
token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $base/api/token) || exit 1
get() { curl -fsS -H "X-aws-ec2-metadata-token: $token" "$base/meta-data/$1"; }
mac=$(get mac) || exit 1
echo "instance_id=$(get instance-id)"
echo "instance_type=$(get instance-type)"
echo "availability_zone=$(get placement/availability-zone)"
echo "subnet_id=$(get network/interfaces/macs/$mac/subnet-id)"
echo "private_address=$(get local-ipv4)"
echo "public_address=$(get public-ipv4)"
"""

LOG_ROTATION = """/var/log/httpd/*log {
    daily
    rotate 14
    compress
    missingok
    notifempty
    sharedscripts
    postrotate
        /bin/systemctl reload httpd.service > /dev/null 2>/dev/null || true
    endscript
}
"""

STATUS = """<Location "/server-status">
    SetHandler server-status
    Require local
</Location>
"""

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<table>
{rows}</table>
<img src="{image}" alt="The image of this page, served by Amazon S3">
</body>
</html>
"""

IMAGES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}


class Route:
    """Where a host and port are to be found."""

    def __init__(self, rules):
        self.rules = [rule.split(":") for rule in rules]

    def __call__(self, host, port):
        for wanted_host, wanted_port, address, there in self.rules:
            if wanted_host in ("", host) and wanted_port in ("", str(port)):
                return address or host, int(there or port)
        return host, port


def get(route, url, limit=10 << 20):
    """Status, content type and body of a URL."""
    parts = urllib.parse.urlsplit(url)
    host, port = route(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=30)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        body = answer.read(limit + 1)
        if len(body) > limit:
            sys.exit(f"{url} is larger than {limit} bytes")
        return answer.status, answer.headers.get("Content-Type", ""), body
    finally:
        connection.close()


class Host:
    """A machine to configure, converging."""

    def __init__(self, route, address, key_file):
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        host, port = route(address, 22)
        end = time.monotonic() + 300
        while True:
            try:
                self.client.connect(host, port, "ec2-user", key_filename=key_file,
                                    allow_agent=False, look_for_keys=False, timeout=10)
                return
            except (OSError, paramiko.SSHException):
                if time.monotonic() > end:
                    raise
                time.sleep(2)

    def ask(self, command, stdin=None):
        """Exit code and output of a command."""
        into, out, err = self.client.exec_command(command)
        if stdin is not None:
            into.write(stdin)
            into.channel.shutdown_write()
        text = out.read().decode()
        code = out.channel.recv_exit_status()
        self.said = err.read().decode()
        return code, text

    def run(self, command, stdin=None):
        code, text = self.ask(command, stdin)
        if code != 0:
            sys.exit(f"{command!r} ended with {code}: {self.said}")
        return text

    def ensure_package(self, name):
        if self.ask(f"rpm -q {name} || dpkg -s {name}")[0] != 0:
            self.run(f"if command -v dnf; then sudo dnf -y -q install {name}; "
                     f"else sudo apt-get -y -q install {name}; fi")

    def ensure_service(self, name):
        if self.ask(f"systemctl is-active {name} && systemctl is-enabled {name}")[0] != 0:
            self.run(f"sudo systemctl enable --now {name}")

    def ensure_file(self, path, content):
        target = shlex.quote(path)
        code, text = self.ask(f"sudo sha256sum {target}")
        if code == 0 and text.split()[0] == hashlib.sha256(content.encode()).hexdigest():
            return False
        self.run(f"sudo tee {target} > /dev/null && sudo chmod 644 {target}", content)
        return True


class Job:
    def __init__(self, options):
        self.options, self.route = options, Route(options.connect_to)
        self.stack = options.stack
        session = boto3.Session(region_name=options.region)

        def client(service):
            return session.client(service, endpoint_url=options.endpoint_url)

        self.ec2, self.s3, self.ssm = client("ec2"), client("s3"), client("ssm")
        self.cloudwatch, self.sts = client("cloudwatch"), client("sts")
        self.name = f"{self.stack}-{options.name}"

    def tags(self, **more):
        wanted = {"Name": self.name, **more, "stack": self.stack}
        return [{"Key": key, "Value": value} for key, value in wanted.items()]

    def image(self):
        status, _, body = get(self.route, self.options.image_url)
        if status != 200 or not body:
            sys.exit(f"{self.options.image_url} answered {status} with {len(body)} bytes")
        for magic, kind in IMAGES.items():
            if body.startswith(magic):
                stem = re.sub(r"\..*", "", self.options.image_url.rsplit("/", 1)[1]) or "image"
                return f"{stem}.{'jpg' if kind == 'jpeg' else kind}", f"image/{kind}", body
        sys.exit(f"{self.options.image_url} is no image")

    def security_group(self):
        vpc = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        found = self.ec2.describe_security_groups(Filters=[
            {"Name": "group-name", "Values": [self.name]}, {"Name": "vpc-id", "Values": [vpc]}])
        if found["SecurityGroups"]:
            group = found["SecurityGroups"][0]["GroupId"]
        else:
            group = self.ec2.create_security_group(
                GroupName=self.name, Description=f"Web server {self.options.name}", VpcId=vpc,
                TagSpecifications=[{"ResourceType": "security-group", "Tags": self.tags()}])["GroupId"]
        present = {
            (rule["FromPort"], rule.get("CidrIpv4"))
            for rule in self.ec2.describe_security_group_rules(
                Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
            if not rule["IsEgress"]
        }
        wanted = [(80, "0.0.0.0/0", "HTTP for everybody"), (22, self.options.ssh_from, "SSH for us")]
        missing = [rule for rule in wanted if rule[:2] not in present]
        if missing:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": port, "ToPort": port,
                 "IpRanges": [{"CidrIp": source, "Description": why}]}
                for port, source, why in missing])
        return group

    def key_pair(self):
        path = self.options.key_file
        if not os.path.exists(path):
            key = ed25519.Ed25519PrivateKey.generate()
            with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
                file.write(key.private_bytes(serialization.Encoding.PEM,
                                             serialization.PrivateFormat.OpenSSH,
                                             serialization.NoEncryption()))
        public = paramiko.Ed25519Key.from_private_key_file(path)
        if not self.ec2.describe_key_pairs(
                Filters=[{"Name": "key-name", "Values": [self.name]}])["KeyPairs"]:
            self.ec2.import_key_pair(
                KeyName=self.name, PublicKeyMaterial=f"ssh-ed25519 {public.get_base64()}".encode(),
                TagSpecifications=[{"ResourceType": "key-pair", "Tags": self.tags()}])

    def instance(self, group):
        kind = self.ec2.describe_instance_types(InstanceTypes=["t3.nano"])["InstanceTypes"][0]
        if not kind["FreeTierEligible"]:
            print("t3.nano is not free-tier eligible in this account", file=sys.stderr)
        architecture = kind["ProcessorInfo"]["SupportedArchitectures"][-1]
        image = self.ssm.get_parameter(
            Name=f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}")
        found = self.ec2.describe_instances(Filters=[
            {"Name": "tag:Name", "Values": [self.options.name]},
            {"Name": "tag:stack", "Values": [self.stack]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}])
        if found["Reservations"]:
            id = found["Reservations"][0]["Instances"][0]["InstanceId"]
        else:
            id = self.ec2.run_instances(
                ImageId=image["Parameter"]["Value"], InstanceType="t3.nano", MinCount=1, MaxCount=1,
                KeyName=self.name, SecurityGroupIds=[group], UserData=USER_DATA,
                Monitoring={"Enabled": True},
                MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
                TagSpecifications=[{"ResourceType": "instance",
                                    "Tags": self.tags(Name=self.options.name)}],
            )["Instances"][0]["InstanceId"]
        self.ec2.get_waiter("instance_running").wait(InstanceIds=[id])
        return self.ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]

    def publish(self, name, content_type, body):
        bucket, key = self.options.bucket, f"images/{name}"
        try:
            self.s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": self.tags(Name=bucket)})
        digest = hashlib.sha256(body).hexdigest()
        try:
            same = self.s3.head_object(Bucket=bucket, Key=key)["Metadata"].get("sha256") == digest
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            same = False
        if not same:
            self.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type,
                               Metadata={"sha256": digest})
        policy = {"Version": "2012-10-17", "Statement": [{
            "Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/{key}"}]}
        try:
            present = json.loads(self.s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            present = None
        if present != policy:
            self.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={
                "BlockPublicAcls": True, "IgnorePublicAcls": True,
                "BlockPublicPolicy": False, "RestrictPublicBuckets": False})
            self.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        return f"{self.s3.meta.endpoint_url}/{bucket}/{key}"

    def configure(self, host, image_url):
        if host.ask("cloud-init status --wait")[0] == 1:
            print("warning: the first boot failed", file=sys.stderr)
        host.ensure_package("httpd")
        host.ensure_service("httpd")
        facts = dict(line.split("=", 1) for line in host.run(METADATA).splitlines())
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>\n"
            for name, value in [
                ("Instance", facts["instance_id"]), ("Type", facts["instance_type"]),
                ("Availability zone", facts["availability_zone"]), ("Subnet", facts["subnet_id"]),
                ("Public address", facts["public_address"])])
        page = PAGE.format(title=f"{self.options.name}: a web server by boto3", rows=rows,
                           image=html.escape(image_url))
        host.ensure_file("/var/www/html/index.html", page)
        host.ensure_package("logrotate")
        host.ensure_file("/etc/logrotate.d/httpd-ours", LOG_ROTATION)
        if host.ensure_file("/etc/httpd/conf.d/status-ours.conf", STATUS):
            host.run("sudo systemctl reload httpd")

    def visit(self, url, image_url):
        end = time.monotonic() + 120
        while True:
            try:
                status, _, body = get(self.route, url)
                if status == 200:
                    break
            except OSError:
                pass
            if time.monotonic() > end:
                sys.exit(f"{url} has not answered 200 for 120 s")
            time.sleep(5)
        if html.escape(image_url).encode() not in body:
            sys.exit(f"{url} does not show {image_url}")
        status, content_type, _ = get(self.route, image_url)
        if status != 200 or not content_type.startswith("image/"):
            sys.exit(f"{image_url} answers {status} with {content_type}")

    def figures(self, host, id):
        views = int(host.ask("sudo grep -c -E '\"GET / ' /var/log/httpd/access_log")[1].strip() or 0)
        self.cloudwatch.put_metric_data(Namespace=f"peer/{self.stack}", MetricData=[{
            "MetricName": "PageViews", "Dimensions": [{"Name": "InstanceId", "Value": id}],
            "Value": float(views), "Unit": "Count"}])
        now = datetime.datetime.now(datetime.timezone.utc)
        of_instance = [{"Name": "InstanceId", "Value": id}]

        def of_bucket(kind):
            return [{"Name": "BucketName", "Value": self.options.bucket},
                    {"Name": "StorageType", "Value": kind}]

        hour, days = datetime.timedelta(hours=1), datetime.timedelta(days=3)
        for namespace, name, dimensions, statistic, period, back in [
                ("AWS/EC2", "CPUUtilization", of_instance, "Average", 60, hour),
                ("AWS/EC2", "NetworkIn", of_instance, "Sum", 60, hour),
                ("AWS/EC2", "NetworkOut", of_instance, "Sum", 60, hour),
                ("AWS/EC2", "StatusCheckFailed", of_instance, "Maximum", 60, hour),
                ("AWS/S3", "BucketSizeBytes", of_bucket("StandardStorage"), "Average", 86400, days),
                ("AWS/S3", "NumberOfObjects", of_bucket("AllStorageTypes"), "Average", 86400, days)]:
            points = self.cloudwatch.get_metric_statistics(
                Namespace=namespace, MetricName=name, Dimensions=dimensions, StartTime=now - back,
                EndTime=now, Period=period, Statistics=[statistic])["Datapoints"]
            last = max(points, key=lambda point: point["Timestamp"])[statistic] if points else None
            print(f"{name:20} {'no datapoints yet' if last is None else last}")
        print(f"page views: {views}")
        for log in ("access_log", "error_log"):
            for line in host.ask(f"sudo tail -n 3 /var/log/httpd/{log}")[1].splitlines():
                print(f"  {line}")

    def alarm(self, id):
        wanted = {
            "AlarmName": f"{self.name}-cpu-high",
            "AlarmDescription": f"CPU of {self.options.name} above 80 %",
            "Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": id}],
            "Statistic": "Average", "Period": 60, "EvaluationPeriods": 2, "Threshold": 80.0,
            "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "missing"}
        found = self.cloudwatch.describe_alarms(AlarmNames=[wanted["AlarmName"]])["MetricAlarms"]
        if not found or any(found[0].get(key) != value for key, value in wanted.items()):
            self.cloudwatch.put_metric_alarm(**wanted)

    def do(self):
        name, content_type, body = self.image()
        group = self.security_group()
        self.key_pair()
        instance = self.instance(group)
        self.sts.get_caller_identity()
        image_url = self.publish(name, content_type, body)
        address = instance["PublicIpAddress"]
        host = Host(self.route, address, self.options.key_file)
        self.configure(host, image_url)
        url = f"http://{address}/"
        self.visit(url, image_url)
        self.figures(host, instance["InstanceId"])
        self.alarm(instance["InstanceId"])
        host.client.close()
        print(f"{url} shows {image_url}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--image-url", required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--connect-to", action="append", default=[])
    parser.add_argument("--ssh-from", default="192.0.2.7/32")
    parser.add_argument("--bucket", default="opsh-peer")
    parser.add_argument("--key-file", default="newwebserver.key")
    parser.add_argument("--name", default="web")
    parser.add_argument("--stack", default="newwebserver")
    Job(parser.parse_args()).do()


if __name__ == "__main__":
    main()
