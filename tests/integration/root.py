"""A clean Debian 12, made once by debootstrap: base_root() is the path of a tar of it.

Mirror and package sources are this machine's, which has to be a Debian 12 itself, so that no newer version of a library
is installed over an older one.
"""
import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

from clean_root import mirror

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = "bookworm"
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
        address, codename = mirror()
        assert codename == SUITE, f"the image is made of {SUITE}, and this machine's packages are of {codename}"
        _run("debootstrap", "--variant=minbase", SUITE, root, address)
        if SOURCES.exists():
            shutil.copy(SOURCES, root / "etc/apt/sources.list.d")
            (root / "etc/apt/sources.list").write_text("")
        _run("tar", "-C", root, "--numeric-owner", "--one-file-system", "-cf", part, ".")
        part.rename(made)


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
