"""The release as users get it: built in build/release, packed by cpack.

    release()                      the built program, up to date
    pack(directory)                a .deb of it there
    newer(deb, directory, ...)     the same package with a later version and other contents
"""
import fcntl
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
EPOCH = "1700000000"  # any time that is always the same


def run(command, **details):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          **details)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def release():
    """tests/run has built it already; alone, a test builds it, and other tests wait for it."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_configured():
            run(["cmake", "--preset", "release"], cwd=ROOT)
        run(["cmake", "--build", BUILD, "--target", "poolwarden", "compressed"])
    return BUILD / "poolwarden"


def _is_configured():
    cache = BUILD / "CMakeCache.txt"
    return cache.exists() and "CMAKE_INSTALL_PREFIX:PATH=/usr\n" in cache.read_text()


def pack(directory, build=BUILD):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    run(["cpack", "--config", build / "CPackConfig.cmake", "-B", directory],
        env=environment)
    (deb,) = pathlib.Path(directory).glob("*.deb")
    return deb


def newer(deb, directory, version, edit):
    """edit(tree): changes the unpacked package."""
    tree = pathlib.Path(directory) / "tree"
    run(["dpkg-deb", "-R", deb, tree])
    control = tree / "DEBIAN" / "control"
    control.write_text("".join(f"Version: {version}\n" if line.startswith("Version:") else line
                               for line in control.read_text().splitlines(keepends=True)))
    edit(tree)
    out = pathlib.Path(directory) / f"poolwarden_{version}.deb"
    run(["dpkg-deb", "--root-owner-group", "-b", tree, out])
    return out


def field(deb, name):
    return run(["dpkg-deb", "-f", deb, name]).strip()
