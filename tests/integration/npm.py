"""Packages out of npm, each set installed once, into .cache beside the source tree.

    modules("hcl", {"@cdktf/hcl2json": "0.21.0"})            the directory node_modules with them
    modules("prisma", PACKAGES, prepare)                     prepare(place) after an installation
"""
import fcntl
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def modules(name, packages, prepare=lambda place: None):
    """No package's scripts are run."""
    place = cache() / name
    place.mkdir(parents=True, exist_ok=True)
    wanted = json.dumps({"private": True, "dependencies": packages})
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place / "installed.json"
        if not done.exists() or done.read_text() != wanted:
            (place / "package.json").write_text(wanted)
            run(place, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
            prepare(place)
            done.write_text(wanted)
    return place / "node_modules"


def run(place, *command, **more):
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"


def cache():
    """Or /var/tmp, where users that a server runs as can not look into the source tree."""
    own = ROOT / ".cache"
    open_to_all = all(path.stat().st_mode & 0o001 for path in own.parents)
    return own if open_to_all else pathlib.Path("/var/tmp/poolwarden-cache")
