"""The inventory of the file 'hosts' for pyinfra; port, user and key are in the environment."""

import os

with open("hosts", encoding="utf-8") as file:
    hosts = (
        file.read().split(),
        {
            "ssh_port": int(os.environ["BENCH_PORT"]),
            "ssh_user": os.environ["BENCH_USER"],
            "ssh_key": os.environ["BENCH_KEY"],
            "ssh_known_hosts_file": os.path.abspath("known_hosts"),
            "ssh_connect_timeout": 60,
        },
    )
