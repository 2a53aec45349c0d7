"""A network of its own for a process, whose cable can be pulled: a namespace and a pair of virtual interfaces.

    with Network() as network:
        network.outside                   an address of this side, that servers for the other one listen on
        network.command(binary, path)     a script at path that runs the binary in there
        with network.cut(): ...           every packet is lost, in both directions; nobody is told
"""
import contextlib
import itertools
import os
import pathlib
import subprocess

_numbers = itertools.count(1)


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


class Network:
    """Its number is of this machine, and other processes make such networks too: whose interface it is has it."""

    def __enter__(self):
        self._make_cable()
        try:
            run("ip", "netns", "add", self.name)
            run("ip", "link", "set", self.there, "netns", self.name)
            run("ip", "addr", "add", f"{self.outside}/24", "dev", self.here)
            run("ip", "link", "set", self.here, "up")
            run("ip", "-n", self.name, "addr", "add", f"{self.inside}/24", "dev", self.there)
            run("ip", "-n", self.name, "link", "set", self.there, "up")
            run("ip", "-n", self.name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make_cable(self):
        assert os.geteuid() == 0, "a network is made by root only: run the tests as root"
        first = os.getpid() * 7 + next(_numbers)
        for number in (candidate % 250 + 1 for candidate in range(first, first + 250)):
            self.name = f"pw{os.getpid()}-{number}"
            self.here, self.there = f"pwa{number}", f"pwb{number}"
            self.outside, self.inside = f"10.213.{number}.1", f"10.213.{number}.2"
            made = subprocess.run(["ip", "link", "add", self.here, "type", "veth", "peer", "name", self.there],
                                  capture_output=True, text=True)
            if made.returncode == 0:
                return
            assert "exists" in made.stderr, made.stderr
        raise AssertionError("250 such networks are there already")

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", self.here], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)

    def add_address(self, address):
        run("ip", "addr", "add", f"{address}/24", "dev", self.here)

    def command(self, binary, path):
        pathlib.Path(path).write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {binary} "$@"\n')
        pathlib.Path(path).chmod(0o755)
        return path

    @contextlib.contextmanager
    def cut(self):
        """As a switch that lost its power: the far side of the cable is gone, ours still looks well."""
        run("ip", "netns", "exec", self.name, "ip", "addr", "del", f"{self.inside}/24", "dev", self.there)
        run("ip", "neigh", "replace", self.inside, "lladdr", "02:00:00:00:00:01", "dev", self.here, "nud", "permanent")
        try:
            yield
        finally:
            run("ip", "neigh", "del", self.inside, "dev", self.here)
            run("ip", "netns", "exec", self.name, "ip", "addr", "add", f"{self.inside}/24", "dev", self.there)
