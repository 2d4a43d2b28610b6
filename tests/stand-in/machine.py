"""Gives the running instances of an EC2 endpoint bodies: machines to log in to.

moto's instances are records; nothing runs behind their made-up public addresses. This
watches the endpoint and, while an instance runs there, keeps a machine for it: boot.sh
gives it namespaces of its own (files, processes, network), guest.py plays the instance
metadata service and cloud-init, and sshd and the web server in it are the real programs.
Its ports 22 and 80 appear on two loopback ports of this machine, and only while
something listens behind them: a machine that has not booted refuses connections.
An instance of an image that was captured from the machine before it begins with the
files of that.

    machine.py ENDPOINT REGION [COUNT]      ends with its standard input

prints {"ssh": PORT, "http": PORT}, the ports of the newest instance. With COUNT they are
lists: of the newest COUNT instances, by the index that each has in its launch.

Needs root (namespaces, mounts, a second user), boto3, sshd, apache2, sudo and iproute2.
"""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile

import boto3

HERE = os.path.dirname(os.path.abspath(__file__))


def bound(port=0):
    """A socket that owns a loopback port without listening yet, so that the port refuses."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))
    return one


class Machine:
    """One booted machine; its sockets listen on ports that outlive it."""

    def __init__(self, instance, ports, disk):
        self.id = instance["InstanceId"]
        self.folder = tempfile.mkdtemp(prefix="opsh-machine-")
        sockets = [bound(port) for port in ports]
        fds = [one.fileno() for one in sockets]
        self.alive, held = os.pipe()
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
             "bash", f"{HERE}/boot.sh", self.folder, sys.executable, *map(str, fds), *disk],
            stdin=subprocess.PIPE, stdout=sys.stderr, pass_fds=[*fds, held], text=True)
        os.close(held)
        self.process.stdin.write(json.dumps(instance, default=str))
        self.process.stdin.close()
        for one in sockets:
            one.close()

    def captured(self, path):
        """Packs what the machine's files have become, as the image of its disk."""
        upper = f"/proc/{self.process.pid}/root{self.folder}/upper"
        subprocess.run(["tar", "--xattrs", "--xattrs-include=*", "-C", upper, "-cf", path, "."], check=True)
        return [path]

    def stop(self):
        # The first process of the namespace takes all others along.
        self.process.kill()
        self.process.wait()
        os.read(self.alive, 1)  # ends when the last one that holds the other end, and the ports, has
        os.close(self.alive)
        os.rmdir(self.folder)


def running(ec2, count):
    """The newest running instances with what their machines need to know of them."""
    found = [
        instance
        for page in ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    newest = sorted(found, key=lambda one: one["LaunchTime"], reverse=True)[:count]
    images = {image["ImageId"]: image.get("SourceInstanceId")
              for image in ec2.describe_images(Owners=["self"])["Images"]}
    for instance in newest:
        instance["CapturedFrom"] = images.get(instance["ImageId"])
    return sorted(newest, key=lambda one: one["AmiLaunchIndex"])


def described(ec2, instance):
    """An instance with what its machine is to find in its metadata."""
    attribute = ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData")
    instance["UserData"] = attribute["UserData"].get("Value", "")
    if instance.get("KeyName"):
        pairs = ec2.describe_key_pairs(KeyNames=[instance["KeyName"]], IncludePublicKey=True)
        instance["PublicKey"] = pairs["KeyPairs"][0].get("PublicKey", "")
    return instance


class Place:
    """Where one machine after another is to be found."""

    def __init__(self):
        self.reserved = [bound(), bound()]
        self.ports = [one.getsockname()[1] for one in self.reserved]
        self.machine, self.disk = None, []
        self.image = tempfile.NamedTemporaryFile(prefix="opsh-machine-", suffix=".tar")

    def hold(self, ec2, instance):
        """Keeps the machine of this instance here; none of any other."""
        if self.machine and (instance is None or instance["InstanceId"] != self.machine.id):
            of_disk = instance and instance["CapturedFrom"] == self.machine.id
            self.disk = self.machine.captured(self.image.name) if of_disk else []
            self.machine.stop()
            self.machine = None
        if instance and self.machine is None:
            self.machine = Machine(described(ec2, instance), self.ports, self.disk)


def main():
    endpoint, region, *count = sys.argv[1:]
    ec2 = boto3.client("ec2", endpoint_url=endpoint, region_name=region,
                       aws_access_key_id="machine", aws_secret_access_key="machine")
    places = [Place() for _ in range(int(count[0]) if count else 1)]
    ssh, http = zip(*(place.ports for place in places))
    print(json.dumps({"ssh": ssh, "http": http} if count else {"ssh": ssh[0], "http": http[0]}),
          flush=True)
    try:
        while not select.select([sys.stdin], [], [], 0.5)[0]:
            found = running(ec2, len(places))
            for index, place in enumerate(places):
                place.hold(ec2, found[index] if index < len(found) else None)
    finally:
        for place in places:
            place.hold(ec2, None)


if __name__ == "__main__":
    main()
