"""A program at a pseudo-terminal: keys in, frames out. rustyline draws each key's effect as one frame, which it ends with
the mark of synchronised output."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

DRAWN = b"\x1b[?2026l"
PATIENCE = 20  # seconds


class Terminal:
    def __init__(self, words, folder, size=(40, 120)):
        self.began = time.perf_counter()
        self.process, self.screen = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execve(words[0], words, {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "xterm-256color"})
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def drawn(self, frames=1):
        """Waits for so many frames; what was drawn."""
        seen = b""
        until = time.perf_counter() + PATIENCE
        while seen.count(DRAWN) < frames:
            ready, _, _ = select.select([self.screen], [], [], max(0, until - time.perf_counter()))
            if not ready:
                raise TimeoutError(f"{frames} frames were expected; there is {seen!r}")
            seen += os.read(self.screen, 65536)
        return seen

    def types(self, text):
        """Types `text`, key by key; what the last one drew."""
        for key in text:
            os.write(self.screen, key.encode())
            last = self.drawn()
        return last

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.screen)
