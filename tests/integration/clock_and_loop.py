"""An agent whose wall clock can be set, whose turns of the loop are timed and whose sockets are counted: what
tools/clock_and_loop.c shares with us through a file.

    shared = ClockAndLoop(path)
    Agent(..., environment=shared.environment(binary)).start()
    shared.set_clock(3600)
"""
import mmap
import pathlib
import struct


class ClockAndLoop:
    def __init__(self, path, first_port=0):
        """first_port: of those whose sockets are counted."""
        path.write_bytes(struct.pack("<6q", 0, first_port, 0, 0, 0, 0))
        self.path = path
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 48)

    def environment(self, binary):
        library = pathlib.Path(binary).parent / "tests" / "tools" / "libclock_and_loop.so"
        return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "verify_asan_link_order=0", "CLOCK_AND_LOOP": str(self.path)}

    def set_clock(self, offset_s):
        self._map[:8] = struct.pack("<q", int(offset_s * 1e9))

    @property
    def longest_ms(self):
        """Of a turn: wall time, and that without the time for which others had the processors."""
        wall, own, turns = struct.unpack("<3q", self._map[16:40])
        assert turns > 0, "no turn was seen"
        return wall / 1e6, own / 1e6

    @property
    def sockets(self):
        """The most to one database or PgBouncer at any time."""
        return struct.unpack("<q", self._map[40:])[0]
