"""One command on all hosts of the file 'hosts' at once, with parallel-ssh.

    ssh_parallel.py PORT USER KEY_FILE
"""

import sys

from pssh.clients import ParallelSSHClient

port, user, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open("hosts", encoding="utf-8") as file:
    hosts = file.read().split()
client = ParallelSSHClient(hosts, port=port, user=user, pkey=key, pool_size=len(hosts), timeout=60,
                           allow_agent=False)
answers = client.run_command("echo done")
done = sum(list(answer.stdout) == ["done"] and answer.exit_code == 0 for answer in answers)
if done != len(hosts):
    sys.exit(f"{len(hosts) - done} of {len(hosts)} failed")
