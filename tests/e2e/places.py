"""Plays what the autoscaler meets: SNS's host over TLS, and a worker.

    places.py FOLDER

FOLDER holds `tls.pem` (certificate and key) and the files that SNS's host has. The first line
that is written says the ports; what was asked of SNS's host is appended to FOLDER/asked.
"""

import http.server
import json
import pathlib
import ssl
import sys
import threading

folder = pathlib.Path(sys.argv[1])


class Sns(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(folder / "asked", "a", encoding="utf-8") as asked:
            asked.write(f"{self.headers['Host']} {self.path}\n")
        file = folder / self.path.lstrip("/")
        found = file.is_file() and file.parent == folder
        body = file.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Worker(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_):
        pass


def serve(handler, context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "tls.pem")
print(json.dumps({"sns": serve(Sns, context), "worker": serve(Worker)}), flush=True)
sys.stdin.read()
