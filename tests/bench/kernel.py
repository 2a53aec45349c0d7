"""What the kernel says of processes: CPU from the scheduler's account, memory from the page tables."""
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict


def cpu_us(*pids):
    """user + sys of all threads of these processes."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1000


def memory_kb(pid):
    """Rss, Private_Dirty, and Peak: the largest that Rss has been."""
    found = {}
    for name, wanted in (("smaps_rollup", ("Rss", "Private_Dirty")), ("status", ("VmHWM",))):
        for line in pathlib.Path(f"/proc/{pid}/{name}").read_text().splitlines():
            word = line.split(":")[0]
            if word in wanted:
                found["Peak" if word == "VmHWM" else word] = int(line.split()[1])
    return found


class Meter:
    """What each of several programs costs in a block of time, and the median of the blocks.

    Meter({"agent": [pid], "server": [pid, pid]}); all of them are measured in the same blocks. Between two runs `programs`
    may be set anew, for the same names.
    """

    def __init__(self, programs=None):
        self.programs = programs or {}
        self.blocks = defaultdict(list)

    def run(self, blocks, seconds, during=None):
        """during(until): what this process does meanwhile; until is of time.monotonic()."""
        for _ in range(blocks):
            before = {name: cpu_us(*pids) for name, pids in self.programs.items()}
            until = time.monotonic() + seconds
            if during:
                during(until)
            time.sleep(max(0, until - time.monotonic()))
            for name, pids in self.programs.items():
                self.blocks[name].append((cpu_us(*pids) - before[name]) / seconds)

    def median(self, name):
        """µs a second."""
        return statistics.median(self.blocks[name])

    def mean(self, name):
        return statistics.fmean(self.blocks[name])


def values_of(command, **environment):
    """What a small benchmark prints: {name: number}."""
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True,
                          env={**os.environ, **environment})
    return values_in(done.stdout)


def values_in(text):
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def stripped_bytes(binary):
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(["strip", "-o", copy.name, binary], check=True)
        return os.path.getsize(copy.name)


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0]}
