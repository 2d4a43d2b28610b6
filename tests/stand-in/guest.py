"""What Amazon does for an instance from inside: metadata service, cloud-init, and the way in.

    guest.py ROOT SSH_FD HTTP_FD      run by boot.sh in the machine's namespaces; the instance on standard input
"""

import base64
import http.server
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time

METADATA = ("169.254.169.254", 80)


def metadata(instance):
    """The documents of the instance metadata service, by path under /latest/."""
    mac = instance["NetworkInterfaces"][0]["MacAddress"]
    zone = instance["Placement"]["AvailabilityZone"]
    of_interface = f"meta-data/network/interfaces/macs/{mac}"
    identity = {
        "architecture": instance["Architecture"],
        "availabilityZone": zone,
        "imageId": instance["ImageId"],
        "instanceId": instance["InstanceId"],
        "instanceType": instance["InstanceType"],
        "privateIp": instance["PrivateIpAddress"],
        "region": zone[:-1],
        "version": "2017-09-30",
    }
    documents = {
        "dynamic/instance-identity/document": json.dumps(identity),
        "user-data": base64.b64decode(instance["UserData"]).decode(),
        "meta-data/ami-id": instance["ImageId"],
        "meta-data/hostname": instance["PrivateDnsName"],
        "meta-data/instance-id": instance["InstanceId"],
        "meta-data/instance-type": instance["InstanceType"],
        "meta-data/local-hostname": instance["PrivateDnsName"],
        "meta-data/local-ipv4": instance["PrivateIpAddress"],
        "meta-data/mac": mac,
        "meta-data/placement/availability-zone": zone,
        "meta-data/placement/region": zone[:-1],
        "meta-data/public-hostname": instance["PublicDnsName"],
        "meta-data/public-ipv4": instance["PublicIpAddress"],
        f"{of_interface}/mac": mac,
        f"{of_interface}/subnet-id": instance["SubnetId"],
        f"{of_interface}/vpc-id": instance["VpcId"],
        f"{of_interface}/public-ipv4s": instance["PublicIpAddress"],
    }
    if instance.get("PublicKey"):
        documents["meta-data/public-keys/0/openssh-key"] = instance["PublicKey"]
    return documents


class Metadata(http.server.BaseHTTPRequestHandler):
    """Version 2 of the service: a token first, then documents and listings.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
    """

    documents = {}
    tokens = {}
    required = True

    def do_PUT(self):
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token":
            return self.answer(404, "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return self.answer(400, "")
        token = secrets.token_urlsafe(40)
        self.tokens[token] = time.monotonic() + int(seconds)
        return self.answer(200, token, {"X-aws-ec2-metadata-token-ttl-seconds": seconds})

    def do_GET(self):
        token = self.headers.get("X-aws-ec2-metadata-token")
        if token is None and self.required:
            return self.answer(401, "")
        if token is not None and self.tokens.get(token, 0) < time.monotonic():
            return self.answer(401, "")
        path = self.path.removeprefix("/latest/")
        if path in self.documents:
            return self.answer(200, self.documents[path])
        below = path.rstrip("/") + "/"
        entries = {
            rest.split("/")[0] + ("/" if "/" in rest else "")
            for name in self.documents if name.startswith(below)
            for rest in [name.removeprefix(below)]
        }
        if entries:
            return self.answer(200, "\n".join(sorted(entries)))
        return self.answer(404, "")

    def answer(self, status, text, headers={}):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def pump(source, sink):
    """Copies one direction until it ends, and passes the end on."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, sink):
            one.close()


def forward(fd, port):
    """Carries connections on the socket `fd`, made outside, to `port` in here once that answers."""
    outside = socket.socket(fileno=fd)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    outside.listen(64)
    while True:
        client, _ = outside.accept()
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            continue
        for pair in ((client, server), (server, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


class CloudInit:
    """The first boot: names, keys, sshd, what is enabled, user data; in that order, as on Amazon Linux."""

    def __init__(self, root, instance):
        self.root, self.instance = root, instance

    def write(self, path, text, mode=0o644):
        where = self.root + path
        os.makedirs(os.path.dirname(where), exist_ok=True)
        with open(where, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, mode)) as file:
            file.write(text)

    def run(self, *command, **more):
        return subprocess.run(["chroot", self.root, *command], check=True, **more)

    def boot(self):
        name = self.instance["PrivateDnsName"].split(".")[0]
        subprocess.run(["hostname", name], check=True)
        done = self.root + "/var/lib/cloud/instance/boot-finished"
        if os.path.exists(done):  # of the machine that the image was captured from
            os.remove(done)
        self.write("/var/lib/cloud/data/instance-id", self.instance["InstanceId"] + "\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost {name}\n")
        if self.instance.get("PublicKey"):
            self.write("/home/ec2-user/.ssh/authorized_keys", self.instance["PublicKey"], 0o600)
        self.run("chown", "-R", "ec2-user:ec2-user", "/home/ec2-user")
        self.run("bash", "-c", "chmod -f 700 /home/ec2-user/.ssh || true")
        self.run("bash", "-c", "rm -f /etc/ssh/ssh_host_* && ssh-keygen -A",
                 stdout=subprocess.DEVNULL)
        self.write("/etc/ssh/sshd_config", "UsePAM no\nPasswordAuthentication no\n"
                   "PermitRootLogin no\nUseDNS no\nSubsystem sftp internal-sftp\n")
        self.write("/run/sshd/.keep", "")
        self.run("/usr/sbin/sshd")
        enabled = self.root + "/etc/stand-in/enabled"
        for unit in sorted(os.listdir(enabled)) if os.path.isdir(enabled) else []:
            self.run("/usr/local/bin/systemctl", "start", unit)
        result = "done" if self.user_data() else "error"
        finished = "/var/lib/cloud/instance/boot-finished"
        self.write(f"{finished}.part", f"{result}\n")
        os.rename(f"{self.root}{finished}.part", self.root + finished)

    def user_data(self):
        """Runs the script that came with the launch; returns whether it did what it was to do."""
        script = base64.b64decode(self.instance["UserData"]).decode()
        if not script:
            return True
        log = self.root + "/var/log/cloud-init-output.log"
        path = "/var/lib/cloud/instance/scripts/part-001"
        self.write(path, script, 0o700)
        code = 1
        with open(log, "w", encoding="utf-8") as output:
            if script.startswith("#!"):
                code = subprocess.run(["chroot", self.root, path], stdin=subprocess.DEVNULL,
                                      stdout=output, stderr=output, check=False).returncode
                print(f"user data ended with {code}", file=output)
            else:
                print("this machine runs user data that is a script (#!…) only", file=output)
        with open(log, encoding="utf-8") as said:
            sys.stderr.write(said.read())
        return code == 0


def main():
    root, ssh, web = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    instance = json.load(sys.stdin)
    Metadata.documents = metadata(instance)
    Metadata.required = instance["MetadataOptions"]["HttpTokens"] == "required"
    service = http.server.ThreadingHTTPServer(METADATA, Metadata)
    for work in (service.serve_forever, lambda: forward(ssh, 22), lambda: forward(web, 80)):
        threading.Thread(target=work, daemon=True).start()
    CloudInit(root, instance).boot()
    threading.Event().wait()


if __name__ == "__main__":
    main()
