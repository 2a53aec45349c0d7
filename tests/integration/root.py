"""A clean Debian 12, made once by debootstrap: base_root() is the path of a tar of it.

Its package sources are this machine's where it is a Debian 12 itself, so that no newer version of a library is
installed over an older one.
"""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
SOURCES = pathlib.Path("/etc/apt/sources.list.d/debian.sources")


def base_root():
    place = ROOT / ".cache" / "root"
    place.mkdir(parents=True, exist_ok=True)
    made = place / f"{SUITE}-minbase.tar"
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make(made)
    return made


def _make(made):
    assert os.geteuid() == 0, "a root file system is made and entered by root only: run the tests as root"
    with tempfile.TemporaryDirectory(dir=made.parent) as directory:
        root, part = pathlib.Path(directory) / "root", made.with_suffix(".part")
        _run("debootstrap", "--variant=minbase", SUITE, root, _mirror())
        if SUITE in _sources():
            shutil.copy(SOURCES, root / "etc/apt/sources.list.d")
            (root / "etc/apt/sources.list").write_text("")
        _run("tar", "-C", root, "--numeric-owner", "--one-file-system", "-cf", part, ".")
        part.rename(made)


def _sources():
    return SOURCES.read_text() if SOURCES.exists() else ""


def _mirror():
    found = re.search(r"^URIs: (\S+)", _sources(), re.MULTILINE) if SUITE in _sources() else None
    return found[1] if found else MIRROR


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
