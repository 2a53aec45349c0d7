"""The durable queue: a window at a time onto the disk, and all of it back at a start. MB a second by the clock on the
wall, because disks are waited for."""
from kernel import values_of
from rows import Row


def measure(machinery):
    directory = machinery.directory / "spool"
    directory.mkdir()
    seen = values_of([machinery.bench("spool"), directory, machinery.shorter(7)])
    return [Row("spool, append and sync", seen["append_mb_s"], "MB/s", "bare write and fsync", seen["write_mb_s"]),
            Row("spool, replay at the start", seen["replay_mb_s"], "MB/s", "bare read, not checked", seen["read_mb_s"])]
