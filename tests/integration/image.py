"""The container image that the Dockerfile describes, built from it by buildah: without a daemon, without a registry.

    image = Image(directory)        built anew only where the source has changed; unpacked into the directory
    image.root                      its root file system, of this test's own
    image.config                    as images have it: User, Entrypoint, Env, Volumes, Healthcheck, ...

The base image is a debootstrap of the same release under the name that the Dockerfile asks for. Layers are kept in
.cache/containers.
"""
import fcntl
import json
import os
import pathlib
import re
import subprocess

from root import ROOT, base_root

DOCKERFILE = ROOT / "Dockerfile"
PLACE = ROOT / ".cache" / "containers"
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{place}/graph"\nrunroot = "{place}/run"\n'
BASE = re.search(r"^FROM (\S+) AS build$", DOCKERFILE.read_text(), re.MULTILINE)[1]


class Image:
    def __init__(self, directory):
        self.root = pathlib.Path(directory) / "root"
        PLACE.mkdir(parents=True, exist_ok=True)
        (PLACE / "storage.conf").write_text(STORAGE.format(place=PLACE))
        with open(PLACE / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _build()
            self.config = json.loads(_buildah("inspect", "--type", "image", "poolwarden"))["Docker"]["config"]
            with _Working("poolwarden") as (_, mounted):
                subprocess.run(["cp", "-a", mounted, self.root], check=True)

    @property
    def files(self):
        """Paths in the image, like usr/bin/poolwarden."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir() or path.is_symlink()}

    @property
    def size(self):
        return sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())


def _build():
    """The first stage has a name, so that its layers, the compiler among them, are not thrown away with the rest."""
    _buildah("rm", "--all")  # of a build that was broken off
    if not _buildah("images", "-q", "--filter", f"reference={BASE}"):
        with _Working("scratch") as (working, _):
            _buildah("add", working, base_root(), "/")
            _buildah("commit", "-q", working, f"docker.io/library/{BASE}")
    for stage in (["--target", "build", "-t", "poolwarden-build"], ["-t", "poolwarden"]):
        _buildah("build", "--pull-never", "--layers", "--format", "docker", "-q", *stage, ROOT)
    _buildah("rmi", "--prune")


class _Working:
    """A working container: its name and where its files are."""

    def __init__(self, image):
        self.image = image

    def __enter__(self):
        self.name = _buildah("from", "--pull-never", self.image)
        return self.name, _buildah("mount", self.name)

    def __exit__(self, *_):
        _buildah("rm", self.name)


def _buildah(*arguments):
    assert os.geteuid() == 0, "an image is built and run by root only: run the tests as root"
    environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(PLACE / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(["buildah", *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"buildah {arguments}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout.strip()
