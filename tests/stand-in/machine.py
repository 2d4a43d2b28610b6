"""Gives the running instance of an EC2 endpoint a body: a machine to log in to.

moto's instances are records; nothing runs behind their made-up public addresses. This
watches the endpoint and, while an instance runs there, keeps one machine for it: boot.sh
gives it namespaces of its own (files, processes, network), guest.py plays the instance
metadata service and cloud-init, and sshd and the web server in it are the real programs.
Its ports 22 and 80 appear on two loopback ports of this machine, and only while
something listens behind them: a machine that has not booted refuses connections.
An instance of an image that was captured from the machine before it begins with the
files of that.

    machine.py ENDPOINT REGION        prints {"ssh": PORT, "http": PORT}; ends with its standard input

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


def running(ec2):
    """The newest running instance with what a machine needs to know of it, or None."""
    found = [
        instance
        for page in ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    if not found:
        return None
    instance = max(found, key=lambda one: one["LaunchTime"])
    images = ec2.describe_images(Owners=["self"])["Images"]
    instance["CapturedFrom"] = {
        image["ImageId"]: image.get("SourceInstanceId") for image in images}.get(instance["ImageId"])
    attribute = ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData")
    instance["UserData"] = attribute["UserData"].get("Value", "")
    if instance.get("KeyName"):
        pairs = ec2.describe_key_pairs(KeyNames=[instance["KeyName"]], IncludePublicKey=True)
        instance["PublicKey"] = pairs["KeyPairs"][0].get("PublicKey", "")
    return instance


def main():
    endpoint, region = sys.argv[1:]
    ec2 = boto3.client("ec2", endpoint_url=endpoint, region_name=region,
                       aws_access_key_id="machine", aws_secret_access_key="machine")
    reserved = [bound(), bound()]
    ports = [one.getsockname()[1] for one in reserved]
    print(json.dumps({"ssh": ports[0], "http": ports[1]}), flush=True)
    machine, disk = None, []
    image = tempfile.NamedTemporaryFile(prefix="opsh-machine-", suffix=".tar")
    try:
        while not select.select([sys.stdin], [], [], 0.5)[0]:
            instance = running(ec2)
            if machine and (instance is None or instance["InstanceId"] != machine.id):
                of_disk = instance and instance["CapturedFrom"] == machine.id
                disk = machine.captured(image.name) if of_disk else []
                machine.stop()
                machine = None
            if instance and machine is None:
                machine = Machine(instance, ports, disk)
    finally:
        if machine:
            machine.stop()


if __name__ == "__main__":
    main()
