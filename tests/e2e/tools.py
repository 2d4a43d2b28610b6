"""What boto3's users do, against the endpoint that the environment names; fails where it should not."""

import base64
import http.server
import json
import threading
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return
    raise AssertionError(f"{call} was not refused with {code}")


def instances():
    """Waiters poll in real time; lists page."""
    ec2 = boto3.client("ec2")
    images = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["x86_64"]}])
    image = next(one["ImageId"] for one in images["Images"] if "al2023" in one["Name"])
    made = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=3, MaxCount=3)
    ids = [one["InstanceId"] for one in made["Instances"]]
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    paginator = ec2.get_paginator("describe_instances")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 5}))
    found = [one["InstanceId"] for page in pages for of in page["Reservations"] for one in of["Instances"]]
    assert sorted(found) == sorted(ids), found
    snapshot = boto3.resource("ec2").Instance(ids[0]).root_device_name
    assert snapshot, "resources work, too"
    ec2.terminate_instances(InstanceIds=ids)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    refused("InvalidAMIID.NotFound", ec2.run_instances, ImageId="ami-00000000000000000", MinCount=1, MaxCount=1)


def reconciled():
    """What a tool like Terraform reads to know whether a machine and its network are as wanted."""
    ec2 = boto3.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    for attribute, value in (("enableDnsHostnames", True), ("enableDnsSupport", True),
                             ("enableNetworkAddressUsageMetrics", False)):
        seen = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        assert seen[attribute[0].upper() + attribute[1:]] == {"Value": value}, seen
    image = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-*"]}])
    image = image["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, UserData="#!/bin/sh",
                             MetadataOptions={"HttpTokens": "required"})
    one = made["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[one], WaiterConfig={"Delay": 1})
    instance = ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    assert instance["MetadataOptions"]["HttpTokens"] == "required", instance
    credits = ec2.describe_instance_credit_specifications(InstanceIds=[one])["InstanceCreditSpecifications"]
    assert credits == [{"InstanceId": one, "CpuCredits": "unlimited"}], credits
    for attribute, value in (("disableApiTermination", False), ("disableApiStop", False),
                             ("instanceInitiatedShutdownBehavior", "stop"),
                             ("userData", base64.b64encode(b"#!/bin/sh").decode())):
        seen = ec2.describe_instance_attribute(InstanceId=one, Attribute=attribute)
        assert seen[attribute[0].upper() + attribute[1:]] == {"Value": value}, seen
    volumes = [device["Ebs"]["VolumeId"] for device in instance["BlockDeviceMappings"]]
    assert ec2.describe_volumes(VolumeIds=volumes)["Volumes"][0]["Attachments"][0]["InstanceId"] == one
    assert ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"][0]["BurstablePerformanceSupported"]
    ec2.terminate_instances(InstanceIds=[one])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[one], WaiterConfig={"Delay": 1})


def reconciled_balancing():
    """The same for a balancer and an address."""
    ec2, elbv2 = boto3.client("ec2"), boto3.client("elbv2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    balancer = elbv2.create_load_balancer(Name="shop", Subnets=[one["SubnetId"] for one in subnets])
    balancer = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    assert elbv2.describe_capacity_reservation(LoadBalancerArn=balancer)["CapacityReservationState"] == []
    # An empty version is none that was said.
    targets = elbv2.create_target_group(Name="shop", Protocol="HTTP", ProtocolVersion="", Port=80, VpcId=vpc)
    targets = targets["TargetGroups"][0]
    assert targets["ProtocolVersion"] == "HTTP1", targets
    forward = [{"Type": "forward", "TargetGroupArn": targets["TargetGroupArn"]}]
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    listener = listener["Listeners"][0]["ListenerArn"]
    attributes = elbv2.describe_listener_attributes(ListenerArn=listener)["Attributes"]
    server = {"Key": "routing.http.response.server.enabled", "Value": "true"}
    assert server in attributes, attributes
    assert elbv2.modify_listener_attributes(ListenerArn=listener, Attributes=[server])["Attributes"] == attributes
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    named = ec2.describe_addresses_attribute(AllocationIds=[address], Attribute="domain-name")
    assert named["Addresses"] == [], named
    ec2.release_address(AllocationId=address)
    elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    elbv2.delete_target_group(TargetGroupArn=targets["TargetGroupArn"])


def objects():
    """Streams, ranges, checksums, presigned posts by path and by name."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="boto-files")
    s3.get_waiter("bucket_exists").wait(Bucket="boto-files")
    for number in range(5):
        s3.put_object(Bucket="boto-files", Key=f"k/{number}", Body=b"x" * number, Metadata={"n": str(number)})
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="boto-files", PaginationConfig={"PageSize": 2})
    sizes = [one["Size"] for page in pages for one in page["Contents"]]
    assert sizes == [0, 1, 2, 3, 4], sizes
    assert s3.get_object(Bucket="boto-files", Key="k/4", Range="bytes=1-2")["Body"].read() == b"xx"
    s3.put_object(Bucket="boto-files", Key="sum", Body=b"sum", ChecksumAlgorithm="SHA256")
    assert s3.head_object(Bucket="boto-files", Key="sum")["ContentLength"] == 3
    refused("404", s3.head_object, Bucket="boto-files", Key="none")
    refused("NoSuchKey", s3.get_object, Bucket="boto-files", Key="none")
    s3.put_object(Bucket="boto-files", Key="packed", Body=base64.b64decode("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="),
                  ContentEncoding="gzip")
    assert s3.get_object(Bucket="boto-files", Key="packed")["Body"].read(2) == b"\x1f\x8b", "kept as it came"
    new = boto3.client("s3", config=Config(signature_version="s3v4"))
    for client in (s3, new):
        url = client.generate_presigned_url("get_object", Params={"Bucket": "boto-files", "Key": "k/3"})
        assert urllib.request.urlopen(url).read() == b"xxx", url
        put = client.generate_presigned_url("put_object", Params={"Bucket": "boto-files", "Key": "put"})
        request = urllib.request.Request(put, data=b"by url", method="PUT", headers={"Content-Type": ""})
        assert urllib.request.urlopen(request).status == 200
        late = client.generate_presigned_url("get_object", Params={"Bucket": "boto-files", "Key": "k/3"}, ExpiresIn=1)
        time.sleep(2.5)
        try:
            urllib.request.urlopen(late)
            raise AssertionError("an expired URL opened")
        except urllib.error.HTTPError as error:
            assert error.code == 403 and b"expired" in error.read()
    everything = [{"Key": one["Key"]} for one in s3.list_objects_v2(Bucket="boto-files")["Contents"]]
    s3.delete_objects(Bucket="boto-files", Delete={"Objects": everything})
    s3.delete_bucket(Bucket="boto-files")


def metrics():
    """CloudWatch in each protocol that clients have; large requests come compressed."""
    cloudwatch = boto3.client("cloudwatch")
    data = [{"MetricName": f"m{number}", "Value": number} for number in range(600)]
    cloudwatch.put_metric_data(Namespace="many", MetricData=data)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="many")
    assert sum(len(page["Metrics"]) for page in pages) == 600
    refused("ResourceNotFound", cloudwatch.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="x")
    url = cloudwatch.meta.endpoint_url
    scope = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    form = b"Action=ListMetrics&Version=2010-08-01&Namespace=many&MetricName=m7"
    request = urllib.request.Request(url, data=form, headers={"Authorization": scope})
    answer = urllib.request.urlopen(request).read().decode()
    assert "<ListMetricsResult>" in answer and "<MetricName>m7</MetricName>" in answer, answer
    request = urllib.request.Request(url, data=b'{"Namespace": "many", "MetricName": "m7"}', headers={
        "Authorization": scope, "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"})
    answer = json.load(urllib.request.urlopen(request))
    assert answer["Metrics"][0]["MetricName"] == "m7", answer


def messages():
    """An HTTP endpoint on this machine gets SNS's messages, and confirms as it is asked."""
    heard = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["x-amz-sns-message-type"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}/hook"

    def next_message():
        for _ in range(100):
            if heard:
                return heard.pop(0)
            time.sleep(0.1)
        raise AssertionError("nothing was delivered")

    sns = boto3.client("sns")
    topic = sns.create_topic(Name="hooks")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    kind, question = next_message()
    assert kind == "SubscriptionConfirmation", kind
    confirmed = urllib.request.urlopen(question["SubscribeURL"]).read().decode()
    assert f"<SubscriptionArn>{topic}:" in confirmed, confirmed
    sns.publish(TopicArn=topic, Subject="hey", Message="there")
    kind, message = next_message()
    assert (kind, message["Subject"], message["Message"]) == ("Notification", "hey", "there"), message
    server.shutdown()


def identities():
    sts = boto3.client("sts")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    iam = boto3.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    for number in range(3):
        iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=json.dumps(trust))
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    assert names == ["role-0", "role-1", "role-2"] and len(pages) == 2, pages
    refused("EntityAlreadyExists", iam.create_role, RoleName="role-0", AssumeRolePolicyDocument=json.dumps(trust))
    assumed = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/role-0", RoleSessionName="me")
    assert assumed["Credentials"]["SessionToken"]


for check in (identities, objects, metrics, messages, instances, reconciled, reconciled_balancing):
    check()
    print(f"{check.__name__}: good", flush=True)
