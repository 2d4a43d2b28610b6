"""Services: how far `every` drifts, and how many requests a second are handled.

    python3 benches/service.py [--opsh target/release/opsh] [--seconds 10] [--clients 16]

`every("100ms", …)` notes the time of each turn. The drift is by how much the pace of the turns differs from the
period, beside a Python loop that sleeps for the period between two turns, as such scripts do.

Requests come on connections that are kept, from this one process, so they say how the servers compare and not
how much opsh could do: opsh with a handler in Rhai, with a static file, and Python's own http.server (threads,
HTTP/1.1) with a handler that says the same. The processor time of the server is what a request costs.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SERVICE = """
serve(#{ port: 0, access_log: false, routes: #{
    "GET /ping": |request| "OK",
    "GET /static": #{ folder: "public" },
} });
run_forever();
"""
TIMER = """
every("100ms", || { print(`${time::now()}`); sleep(0.02); });
run_forever();
"""
PEER = """
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
NAIVE = """
import time
while True:
    time.sleep(0.1)
    print(f"{time.time():.6f}", flush=True)
    time.sleep(0.02)
"""


def processor(pid):
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ask(port, path, until, counts):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n".encode()
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(re.search(rb"content-length: (\d+)", head.lower()).group(1))
        await reader.readexactly(length)
        counts.append(1)
    writer.close()


def load(port, path, pid, seconds, clients):
    """Requests a second, and the server's processor time for each."""
    async def all_of_them(seconds, counts):
        until = time.monotonic() + seconds
        await asyncio.gather(*(ask(port, path, until, counts) for _ in range(clients)))
    asyncio.run(all_of_them(1, []))
    counts, before, begun = [], processor(pid), time.monotonic()
    asyncio.run(all_of_them(seconds, counts))
    took, used = time.monotonic() - begun, processor(pid) - before
    return len(counts) / took, used / len(counts) * 1e6


def requests(opsh, folder, seconds, clients):
    os.makedirs(f"{folder}/public")
    with open(f"{folder}/public/ping", "w") as file:
        file.write("OK")
    with open(f"{folder}/service.rhai", "w") as file:
        file.write(SERVICE)
    service = subprocess.Popen([opsh, "run", "service.rhai"], cwd=folder, stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    port = int(service.stderr.readline().rsplit(":", 1)[1])
    peer = subprocess.Popen([sys.executable, "-c", PEER], stdout=subprocess.PIPE, text=True)
    other = int(peer.stdout.readline())
    for name, port, path, pid in [("opsh, a handler", port, "/ping", service.pid),
                                  ("opsh, a file", port, "/static/ping", service.pid),
                                  ("python http.server", other, "/ping", peer.pid)]:
        rate, cost = load(port, path, pid, seconds, clients)
        print(f"{name:20} {rate:8.0f} requests/s  {cost:7.0f} µs of processor time each")
    service.send_signal(signal.SIGTERM)
    assert service.wait() == 0
    peer.kill()


def drift(times, period):
    """By how much the mean pace differs from the period, and the worst turn from its own schedule."""
    span = times[-1] - times[0]
    pace = abs(span / round(span / period) - period) / period
    slots = [round((at - times[0]) / period) for at in times]
    worst = max(abs(at - times[0] - slot * period) for at, slot in zip(times, slots))
    naive = abs(span / (len(times) - 1) - period) / period
    return pace, worst, naive


def timers(opsh, folder, seconds):
    from datetime import datetime
    with open(f"{folder}/timer.rhai", "w") as file:
        file.write(TIMER)
    done = subprocess.run([opsh, "run", "timer.rhai", "--for", f"{seconds}s"], cwd=folder, capture_output=True,
                          text=True, check=True)
    stamps = [line for line in done.stdout.splitlines() if line.startswith("20")]
    times = [datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z", r"\1+00:00", stamp)).timestamp() for stamp in stamps]
    pace, worst, _ = drift(times, 0.1)
    print(f"every 100ms          {len(times)} turns: pace {pace:.3%} off, worst turn {worst * 1000:.1f} ms off its time")
    naive = subprocess.Popen([sys.executable, "-c", NAIVE], stdout=subprocess.PIPE, text=True)
    until, times = time.time() + seconds, []
    while time.time() < until:
        times.append(float(naive.stdout.readline()))
    naive.kill()
    print(f"sleep(0.1) in a loop {len(times)} turns: pace {drift(times, 0.1)[2]:.3%} off")


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--opsh", default="target/release/opsh")
    asked.add_argument("--seconds", type=int, default=10)
    asked.add_argument("--clients", type=int, default=16)
    asked = asked.parse_args()
    opsh = os.path.abspath(asked.opsh)
    with tempfile.TemporaryDirectory() as folder:
        timers(opsh, folder, asked.seconds)
        requests(opsh, folder, asked.seconds, asked.clients)


if __name__ == "__main__":
    main()
