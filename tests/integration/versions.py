"""Where PostgreSQL's programs are: the distribution's newest, or one of versions 12 to 18 out of npm packages.

The packages are installed once (npm.py); ~400 MB.
"""
import json
import os
import pathlib
import platform

from npm import modules

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = [12, 13, 14, 15, 16, 17, 18]


def installed_by_the_distribution():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("no PostgreSQL in /usr/lib/postgresql: scripts/install test")
    return found[-1].parent


def version(number):
    """The directory with initdb and postgres of that major version."""
    binaries = modules("postgres", _packages(), _link_all) / f"postgres{number}" / "native" / "bin"
    if not (binaries / "initdb").exists():
        raise RuntimeError(f"npm gave no PostgreSQL {number}: {binaries}")
    return binaries


def _packages():
    wanted = (HERE / "package.json").read_text()
    if platform.machine() == "aarch64":
        wanted = wanted.replace("linux-x64", "linux-arm64")
    return json.loads(wanted)["dependencies"]


def _link_all(place):
    for links in place.glob("node_modules/*/native/pg-symlinks.json"):
        _link(links)


def _link(links):
    """npm carries no symbolic links: the package lists its own."""
    package = links.parents[1]
    for row in json.loads(links.read_text()):
        link, source = package / row["target"], package / row["source"]
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(source, link.parent))
