"""A real terminal: tmux, on a socket of its own, with a shell in it.

    with Terminal(80, 24) as terminal:
        terminal.type("poolwarden --watch")
        wait_until(lambda: "42/47" in terminal.screen())
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from wait import wait_until


class Terminal:
    def __init__(self, columns, rows, environment=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pw-tmux-", dir="/tmp"))
        self.size = (columns, rows)
        self.environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PS1": "$ ", **(environment or {})}

    def __enter__(self):
        columns, rows = self.size
        shell = ["env", "-i", *(f"{name}={value}" for name, value in self.environment.items()), "TERM=screen-256color",
                 "bash", "--norc", "--noprofile"]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), shlex.join(shell))
        wait_until(lambda: "$" in self.screen(), what="no shell")
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")
        shutil.rmtree(self.directory)

    def _tmux(self, *arguments):
        command = ["tmux", "-u", "-S", self.directory / "socket", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "screen")})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def type(self, line):
        self._tmux("send-keys", "-l", line)
        self.key("Enter")

    def key(self, name):
        self._tmux("send-keys", name)

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self):
        """What stands there, line by line, without blanks at the ends."""
        return self._tmux("capture-pane", "-p")

    def mode(self):
        """(is the other screen shown, is the cursor shown)"""
        return self._tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").split()

    def settings(self):
        """stty's, of the shell's terminal: typed there, so only while the shell reads."""
        name = self._tmux("display-message", "-p", "#{pane_tty}").strip()
        with open(name, encoding="ascii") as tty:
            return subprocess.run(["stty", "-g"], stdin=tty, capture_output=True, text=True, check=True).stdout
