"""Writes access logs of a balancer, the same for the same seed.

    python3 benches/access_log.py FOLDER [--lines 1000000] [--files 1] [--clients 20000] [--seed 1]

Visitors of a shop, one scanner, one client that asks far too often, one target that fails now and then.
"""

import argparse
import gzip
import os
import random
from datetime import datetime, timedelta, timezone

START = datetime(2026, 9, 17, 5, 0, tzinfo=timezone.utc)
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/be524858-3414-4e98-be52-240358d85b1c"
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "curl/8.5.0",
]
PROBES = ["/.env", "/.git/config", "/wp-login.php", "/wp-admin/setup.php", "/phpmyadmin/", "/xmlrpc.php"]


def line(pick, at, client, status, path, target):
    """One line with the fields of today."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    made = (at - timedelta(milliseconds=60)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spent = f"0.000 {pick.expovariate(20):.3f} 0.000"
    theirs = "-" if status in (502, 503, 504) else status
    return (f"h2 {stamp} app/shop/50dc6c495c0c9188 {client}:{pick.randrange(1024, 65536)} {target} {spent} {status} "
            f"{theirs} {pick.randrange(30, 900)} {pick.randrange(200, 60000)} "
            f'"GET https://shop.example.com:443{path} HTTP/2.0" "{pick.choice(AGENTS)}" '
            f"ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 {GROUP} "
            f'"Root=1-{pick.getrandbits(32):08x}-{pick.getrandbits(96):024x}" "shop.example.com" "{CERTIFICATE}" 0 '
            f'{made} "forward" "-" "-" "{target}" "{theirs}" "-" "-" TID_{pick.getrandbits(128):032x} '
            f'"-" "-" "-" 203.0.113.7\n')


def lines(pick, count, clients):
    """`count` lines of half an hour."""
    step = timedelta(minutes=30) / count
    visitors = [f"{10 + number // 65536}.{number // 256 % 256}.{number % 256}.{number % 251}"
                for number in range(clients)]
    for number in range(count):
        at = START + number * step
        target = f"10.0.{pick.randrange(2)}.{pick.randrange(10, 14)}:80"
        kind = pick.random()
        if kind < 0.002:
            path = pick.choice(PROBES) if kind < 0.0005 else f"/old/{pick.randrange(5000)}.php"
            yield line(pick, at, "198.51.100.66", 404, path, target)
        elif kind < 0.02:
            yield line(pick, at, "198.51.100.7", 200, "/search?q=" + str(number), target)
        else:
            status = 502 if target.startswith("10.0.1.13") and pick.random() < 0.1 else 200
            path = f"/products/{pick.randrange(2000)}?ref={pick.randrange(100000)}"
            yield line(pick, at, visitors[number] if clients >= count else pick.choice(visitors), status, path, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--clients", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pick = random.Random(options.seed)
    os.makedirs(options.folder, exist_ok=True)
    source = lines(pick, options.lines, options.clients)
    for number in range(options.files):
        share = options.lines // options.files
        with gzip.GzipFile(f"{options.folder}/{number:03}.log.gz", "wb", compresslevel=6, mtime=0) as file:
            for _ in range(share):
                file.write(next(source).encode())


if __name__ == "__main__":
    main()
