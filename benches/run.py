"""Measures opsh beside what it replaces; see README.md in this folder.

    target/e2e/venv/bin/python benches/run.py [--opsh PROGRAM] [CASE…]

Cases: start, check, plan, cases, repl, peer, loop, calls, logs, ssh; all of them by default. Times are taken from outside, processor
time and peak memory from what the kernel says of the ended process (wait4); each figure is a median.
"""

import argparse
import getpass
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass

from terminal import Terminal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
REGION = "us-east-1"
IMAGE = f"{ROOT}/playbooks/assets/image.png"


@dataclass
class Cost:
    wall: float  # seconds
    processor: float  # seconds, user and system, children included
    memory: float  # MiB at its peak


def measure(words, folder, environment=None, patience=None):
    """Runs a command to its end in `folder`; one that fails, or takes longer than `patience` seconds, ends the
    benchmark with what it said."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                   env={"PATH": os.environ["PATH"], "HOME": folder, **(environment or {})})
        late = threading.Timer(patience or threading.TIMEOUT_MAX, process.kill)
        late.daemon = True
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        late.cancel()
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{' '.join(words)} ended with {process.returncode}:\n{said.read().decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs):
    return Cost(*(statistics.median(getattr(cost, of) for cost in costs)
                  for of in ("wall", "processor", "memory")))


def repeated(times, words, environment=None):
    """The median of several runs, each in a new folder, after one that warms the disk's cache."""
    costs = []
    for _ in range(times + 1):
        folder = tempfile.mkdtemp(prefix="opsh-bench-")
        costs.append(measure(words, folder, environment))
        shutil.rmtree(folder)
    return median(costs[1:])


def report(name, cost, target=""):
    print(f"{name:44} {cost.wall * 1000:9.1f} ms wall {cost.processor * 1000:9.1f} ms processor "
          f"{cost.memory:7.1f} MiB  {target}", flush=True)


def start(opsh):
    """An empty playbook, from start to exit."""
    playbook = f"{HERE}/playbooks/empty.rhai"
    credentials = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
                   "AWS_REGION": REGION}
    report("empty playbook, live", repeated(51, [opsh, "run", playbook], credentials), "target 10 ms")
    report("empty playbook, --local", repeated(51, [opsh, "run", playbook, "--local"]), "target 10 ms")
    report("empty playbook, --dry-run", repeated(51, [opsh, "run", playbook, "--dry-run"]), "target 10 ms")
    report("python3 -c pass", repeated(51, [sys.executable, "-c", "pass"]))
    report("python3 -c 'import boto3'", repeated(11, [sys.executable, "-c", "import boto3"]))


def check(opsh):
    """The check of each shipped playbook with what it imports, and of all of them at once."""
    words = [opsh, "check"]
    each = {}
    for folder, _, names in os.walk(f"{ROOT}/playbooks"):
        for name in names:
            if name.endswith(".rhai"):
                each[name] = repeated(11, [*words, f"{folder}/{name}"])
    slowest = max(each, key=lambda name: each[name].wall)
    report(f"check of {slowest}, the slowest", each[slowest], "target 20 ms")
    report(f"check of all {len(each)} playbooks", repeated(11, [*words, f"{ROOT}/playbooks"]))


def plan(opsh):
    """The plan of the main job."""
    words = [opsh, "run", f"{ROOT}/playbooks/newwebserver.rhai", "--dry-run"]
    report("newwebserver --dry-run", repeated(11, words), "target 250 ms, 100 MiB")


def cases(opsh):
    """A hundred cases of a playbook; the first run writes their snapshots."""
    folder = tempfile.mkdtemp(prefix="opsh-bench-cases-")
    try:
        shutil.copytree(f"{HERE}/playbooks/cases", folder, dirs_exist_ok=True)
        measure([opsh, "test", "--accept", "-q"], folder)
        for name, more in (("100 cases", []), ("100 cases, one at a time", ["--jobs", "1"])):
            words = [opsh, "test", "--ci", "-q", *more]
            report(name, median([measure(words, folder) for _ in range(5)]), "target 5 s on two cores")
    finally:
        shutil.rmtree(folder)


def repl(opsh):
    """The shell at a terminal: its first prompt, and completions that ask nobody."""
    folder = tempfile.mkdtemp(prefix="opsh-bench-repl-")
    inputs = {
        "of an operation": ("ec2::run_i", "run_instances"),
        "of a parameter": ("ec2::run_instances(#{ placem", "placement"),
        "of a value": ('ec2::run_instances(#{ instance_type: "t3.mi', "t3.micro"),
    }
    prompts, completions = [], {name: [] for name in inputs}
    try:
        for _ in range(21):
            with Terminal([opsh, "repl", "--local"], folder) as shell:
                shell.drawn()
                prompts.append(time.perf_counter() - shell.began)
                for name, (typed, completed) in inputs.items():
                    shell.types(typed)
                    began = time.perf_counter()
                    drawn = shell.types("\t")
                    completions[name].append(time.perf_counter() - began)
                    if completed.encode() not in drawn:
                        sys.exit(f"{typed} is not completed to {completed}: {drawn!r}")
                    shell.types("\x15")  # Ctrl-U: an empty line again
        print_times("the shell's first prompt", prompts[1:], "target 30 ms")
        for name, times in completions.items():
            print_times(f"a completion {name}", times[1:], "target 10 ms")
    finally:
        shutil.rmtree(folder)


def print_times(name, times, target):
    print(f"{name:44} {statistics.median(times) * 1000:9.1f} ms, at most {max(times) * 1000:.1f} ms  {target}", flush=True)


def loop(opsh):
    """1,000,000 iterations of arithmetic."""
    ours = repeated(5, [opsh, "run", f"{HERE}/playbooks/loop.rhai", "--dry-run"])
    theirs = repeated(5, [sys.executable, f"{HERE}/peers/loop.py"])
    report("1,000,000 iterations, opsh", ours)
    report("1,000,000 iterations, python3", theirs, f"{ours.processor / theirs.processor:.2f} times python3's")


def calls(opsh):
    """100,000 calls of a trivial operation through the gate."""
    cost = repeated(3, [opsh, "run", f"{HERE}/playbooks/calls.rhai", "--dry-run"])
    report("100,000 calls through the gate", cost, f"{cost.wall * 10:.1f} µs a call")


def logs(opsh):
    """Access logs of 1,000,000 lines: one file, forty files, a million different clients."""
    folder = tempfile.mkdtemp(prefix="opsh-bench-logs-")
    playbook = f"{HERE}/playbooks/logs.rhai"
    try:
        for name, options in (("one file", []), ("forty files", ["--files", "40"]),
                              ("1,000,000 clients", ["--clients", "1000000"])):
            place = f"{folder}/{name.replace(' ', '-').replace(',', '')}"
            subprocess.run([sys.executable, f"{HERE}/access_log.py", place, *options], check=True)
            files = sorted(os.listdir(place))
            costs = {"zcat": [], "opsh": [], "python3": []}
            for turn in range(4):
                for who, words in (("zcat", ["zcat", *files]), ("opsh", [opsh, "run", playbook, "--local"]),
                                   ("python3", [sys.executable, f"{HERE}/peers/access_log.py", *files])):
                    if who != "python3" or turn < 2:  # it is slow
                        costs[who].append(measure(words, place))
                shutil.rmtree(f"{place}/.opsh")
            zcat, ours, theirs = (median(costs[who][1:]) for who in ("zcat", "opsh", "python3"))
            target = 0.5 if len(files) > 1 else 1
            report(f"{name}, zcat", zcat)
            report(f"{name}, opsh", ours, f"{ours.wall / zcat.wall:.2f} of zcat's time (target {target}, 64 MiB)")
            report(f"{name}, python3", theirs, f"{theirs.wall / zcat.wall:.2f} of zcat's time")
    finally:
        shutil.rmtree(folder)


class Service:
    """A script of the tests that serves while its standard input is open."""

    def __init__(self, *words):
        self.process = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.hello = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def peer(opsh):
    """The main job against moto's server: opsh and a plain boto3 script, turn by turn."""
    site_folder = tempfile.mkdtemp(prefix="opsh-bench-site-")
    shutil.copy(IMAGE, f"{site_folder}/image.png")
    site = subprocess.Popen([sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
                            cwd=site_folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    image = f"http://127.0.0.1:{site.stdout.readline().split(' port ')[1].split()[0]}/image.png"
    emulator = Service(f"{ROOT}/tests/e2e/emulator.py")
    endpoint = f"http://127.0.0.1:{emulator.hello['port']}"
    machine = Service(f"{ROOT}/tests/stand-in/machine.py", endpoint, REGION)
    routes = [word for port, name in ((22, "ssh"), (80, "http"))
              for word in ("--connect-to", f":{port}:127.0.0.1:{machine.hello[name]}")]
    credentials = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
                   "AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint}
    ours = [opsh, "run", f"{ROOT}/playbooks/newwebserver.rhai", f"image_url={image}", "bucket=opsh-bench",
            "host_key=accept-new", "ssh_from=192.0.2.7", *routes]
    theirs = [sys.executable, f"{HERE}/peers/newwebserver_boto3.py", "--endpoint-url", endpoint,
              "--image-url", image, *routes]
    costs = {"opsh": [], "boto3": []}
    try:
        for _ in range(6):
            for name, words in (("opsh", ours), ("boto3", theirs)):
                urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"").close()
                time.sleep(2)  # until the machine of the last turn is gone
                folder = tempfile.mkdtemp(prefix="opsh-bench-")
                costs[name].append(measure(words, folder, credentials))
                shutil.rmtree(folder)
    finally:
        machine.stop()
        emulator.stop()
        site.send_signal(signal.SIGTERM)
        site.wait()
        shutil.rmtree(site_folder)
    ours, theirs = (median(costs[name][1:]) for name in ("opsh", "boto3"))
    report("newwebserver against moto, opsh", ours)
    report("newwebserver against moto, boto3", theirs)
    print(f"{'':44} opsh takes {ours.processor / theirs.processor:.3f} of the script's processor time "
          "(target 0.100)")


class Hosts:
    """OpenSSH servers at a hundred loopback addresses, and the folder of somebody who may log in there."""

    EACH = 10  # addresses of one server, which takes sixteen at most (MAX_LISTEN_SOCKS)

    def __init__(self, count=100):
        self.folder = tempfile.mkdtemp(prefix="opsh-bench-ssh-")
        self.names = [f"127.0.1.{number}" for number in range(1, count + 1)]
        self.user = getpass.getuser()
        self.key = f"{self.folder}/key"
        for name in ("key", "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{name}"], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        shutil.copy(f"{self.key}.pub", f"{self.folder}/authorized_keys")
        with open(f"{self.folder}/host_key.pub", encoding="utf-8") as file:
            shown = " ".join(file.read().split()[:2])
        self.write("hosts", "".join(f"{name}\n" for name in self.names))
        self.write("known_hosts", "".join(f"[{name}]:{self.port} {shown}\n" for name in self.names))
        # Another home, whose shell has nothing to read at each login: it took longer than the login.
        self.write("sshd_config", f"HostKey {self.folder}/host_key\nPidFile none\nUsePAM no\n"
                   f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUseDNS no\n"
                   f"PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
                   f"SetEnv HOME={self.folder}\n"
                   f"MaxStartups {4 * count}\nMaxSessions {4 * count}\nLoginGraceTime 600\n")
        if self.user == "root":
            os.makedirs("/run/sshd", exist_ok=True)
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        self.servers = []
        for first in range(0, count, self.EACH):
            names = self.names[first:first + self.EACH]
            addresses = [word for name in names for word in ("-o", f"ListenAddress={name}:{self.port}")]
            self.servers.append(subprocess.Popen([sshd, "-D", "-e", "-f", f"{self.folder}/sshd_config", *addresses],
                                                 stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        end = time.monotonic() + 10
        for name in self.names:
            while not self.answers(name):
                if time.monotonic() > end:
                    self.stop()
                    sys.exit(f"sshd does not answer at {name}:{self.port}")
                time.sleep(0.05)

    def answers(self, name):
        try:
            socket.create_connection((name, self.port)).close()
            return True
        except OSError:
            return False

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def visitor(self):
        """A new folder of somebody who knows the hosts."""
        folder = tempfile.mkdtemp(prefix="opsh-bench-")
        os.mkdir(f"{folder}/.ssh")
        for name, place in (("hosts", "hosts"), ("known_hosts", "known_hosts"), ("known_hosts", ".ssh/known_hosts")):
            shutil.copy(f"{self.folder}/{name}", f"{folder}/{place}")
        return folder

    def stop(self):
        for server in self.servers:
            server.kill()
            server.wait()
        shutil.rmtree(self.folder)


def ssh(opsh):
    """One command on a hundred hosts at once, beside parallel-ssh, pyinfra and xargs -P ssh, turn by turn."""
    hosts = Hosts()
    count = str(len(hosts.names))
    environment = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
                   "AWS_REGION": REGION, "BENCH_PORT": str(hosts.port), "BENCH_USER": hosts.user,
                   "BENCH_KEY": hosts.key}
    plain = ["ssh", "-F", "none", "-p", str(hosts.port), "-l", hosts.user, "-i", hosts.key,
             "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=known_hosts"]
    who = {
        "opsh": [opsh, "run", f"{HERE}/playbooks/ssh.rhai", f"port={hosts.port}", f"user={hosts.user}",
                 f"key_file={hosts.key}"],
        "xargs -P ssh": ["xargs", "-a", "hosts", "-P", count, "-I", "{}", *plain, "{}", "echo done"],
        "parallel-ssh": [sys.executable, f"{HERE}/peers/ssh_parallel.py", str(hosts.port), hosts.user, hosts.key],
        "pyinfra": [sys.executable, "-m", "pyinfra", "--parallel", count, f"{HERE}/peers/ssh_pyinfra.py", "exec",
                    "--", "echo done"],
    }
    costs = {name: [] for name in who}
    try:
        for _ in range(4):
            for name, words in who.items():
                folder = hosts.visitor()
                costs[name].append(measure(words, folder, environment, patience=120))
                shutil.rmtree(folder)
    finally:
        hosts.stop()
    for name in who:
        report(f"{count} hosts at once, {name}", median(costs[name][1:]))


def main():
    known = {case.__name__: case for case in (start, check, plan, cases, repl, peer, loop, calls, logs, ssh)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--opsh", default=f"{ROOT}/target/release/opsh")
    parser.add_argument("case", nargs="*", choices=[*known, []])
    options = parser.parse_args()
    for name in options.case or known:
        known[name](os.path.abspath(options.opsh))


if __name__ == "__main__":
    main()
