"""Where PostgreSQL's programs are: the distribution's newest, or one of versions 12 to 18 out of npm packages.

The packages are installed once, into .cache beside the source tree (or /var/tmp, where the servers' user can not look
into that); ~400 MB.
"""
import fcntl
import json
import os
import pathlib
import platform
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = [12, 13, 14, 15, 16, 17, 18]


def installed_by_the_distribution():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("no PostgreSQL in /usr/lib/postgresql: scripts/install test")
    return found[-1].parent


def version(number):
    """The directory with initdb and postgres of that major version."""
    binaries = _packages() / "node_modules" / f"postgres{number}" / "native" / "bin"
    if not (binaries / "initdb").exists():
        raise RuntimeError(f"npm gave no PostgreSQL {number}: {binaries}")
    return binaries


def _packages():
    wanted = (HERE / "package.json").read_text()
    if platform.machine() == "aarch64":
        wanted = wanted.replace("linux-x64", "linux-arm64")
    place = _cache() / "postgres"
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place / "installed.json"
        if not done.exists() or done.read_text() != wanted:
            _install(place, wanted)
            done.write_text(wanted)
    return place


def _install(place, wanted):
    (place / "package.json").write_text(wanted)
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", place]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"npm install failed:\n{done.stdout}{done.stderr}")
    for links in place.glob("node_modules/*/native/pg-symlinks.json"):
        _link(links)


def _link(links):
    """npm carries no symbolic links: the package lists its own."""
    package = links.parents[1]
    for row in json.loads(links.read_text()):
        link, source = package / row["target"], package / row["source"]
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(source, link.parent))


def _cache():
    own = HERE.parents[1] / ".cache"
    open_to_all = all(path.stat().st_mode & 0o001 for path in own.parents)
    return own if open_to_all else pathlib.Path("/var/tmp/poolwarden-cache")
