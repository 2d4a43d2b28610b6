"""What `logs::analyse_alb` does, as a Python script that does no more than it must.

    python3 benches/peers/access_log.py FILE…

Each line is split as far as needed and no further; probes are looked for in one compiled expression; a
client's busiest minute is kept in a dictionary. It checks no line to its end, and its memory grows with the
number of clients.
"""

import re
import sys
import zlib
from collections import Counter, defaultdict

PROBES = re.compile(rb"/\.env|/\.git/|/wp-login\.php|/wp-admin|/xmlrpc\.php|/phpmyadmin", re.IGNORECASE)


def blocks(path):
    """Whole lines of a compressed file, a megabyte at a time."""
    decoder = zlib.decompressobj(wbits=31)
    rest = b""
    with open(path, "rb") as file:
        while packed := file.read(1 << 18):
            while packed:
                text = rest + decoder.decompress(packed)
                end = text.rfind(b"\n") + 1
                rest = text[end:]
                yield text[:end]
                packed = decoder.unused_data
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                else:
                    packed = b""


def main():
    asked = Counter()
    minutes = Counter()
    missing = defaultdict(set)
    probes = Counter()
    errors = Counter()
    received = sent = 0
    for path in sys.argv[1:]:
        for block in blocks(path):
            for line in block.splitlines():
                (_, time, _, client, target, _, _, _, status, _, in_bytes, out_bytes, _, url, _) = line.split(b" ", 14)
                client = client[:client.rindex(b":")]
                minute = time[:16]
                asked[client, minute] += 1
                minutes[minute] += 1
                received += int(in_bytes)
                sent += int(out_bytes)
                if status == b"404":
                    missing[client].add(url)
                elif status[:1] == b"5":
                    errors[target] += 1
                if PROBES.search(url):
                    probes[client] += 1
    (client, minute), most = asked.most_common(1)[0]
    print(f"{sum(minutes.values())} requests, {received} bytes in, {sent} bytes out")
    print(f"most: {client.decode()}, {most} in {minute.decode()}")
    print("errors:", errors.most_common(3))
    print("missing:", sorted(((len(paths), who) for who, paths in missing.items()), reverse=True)[:3])
    print("probes:", probes.most_common(3))


if __name__ == "__main__":
    main()
