"""The Debian package on a freshly installed system: what it brings, what it leaves alone, what it takes away again."""
import re
import shutil
import subprocess

import pytest

import packages
from clean_root import CleanRoot

EXPECTED = {
    # path: (owner:group, mode)
    "/usr/bin/poolwarden": ("root:root", "755"),
    "/usr/lib/systemd/system/poolwarden.service": ("root:root", "644"),
    "/usr/lib/systemd/system/poolwarden-setup-alarms.service": ("root:root", "644"),
    "/usr/lib/systemd/system/poolwarden.service.d/logs.conf": ("root:root", "644"),
    "/usr/lib/sysusers.d/poolwarden.conf": ("root:root", "644"),
    "/usr/lib/tmpfiles.d/poolwarden.conf": ("root:root", "644"),
    "/usr/share/man/man1/poolwarden.1.gz": ("root:root", "644"),
    "/usr/share/man/man5/agent.conf.5.gz": ("root:root", "644"),
    "/usr/share/doc/poolwarden/README.md": ("root:root", "644"),
    "/usr/share/doc/poolwarden/changelog.gz": ("root:root", "644"),
    "/usr/share/doc/poolwarden/copyright": ("root:root", "644"),
    "/etc/poolwarden": ("root:poolwarden", "750"),
    "/etc/poolwarden/agent.conf": ("root:poolwarden", "640"),
}
OF_APT_AND_DPKG = re.compile(r"/var/(lib/(dpkg|apt|systemd)|cache|log)/|/etc/(passwd|group|shadow|gshadow)-$|/etc/\.pwd\.lock$"
                             r"|/etc/ld\.so\.cache$|/(dev|proc|sys|run|tmp)/|/var/lib/pam/")


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    packages.release()
    return packages.pack(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def root(deb):
    """A system with the package; the tests below follow its life in their order."""
    with CleanRoot() as clean:
        clean.before = files(clean)
        clean.said = clean.install(deb)
        yield clean


def files(root):
    found = root.run("find", "/", "-xdev").splitlines()
    return {path for path in found if not OF_APT_AND_DPKG.search(path)}


def owner_and_mode(root, path):
    return tuple(root.run("stat", "-c", "%U:%G %a", path).split())


# ---- the file itself ----

def test_it_depends_on_every_library_that_the_program_is_linked_with(deb):
    dynamic = packages.run(["readelf", "-d", packages.BUILD / "poolwarden"])
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    assert {"libpq.so.5", "libuv.so.1"} <= needed
    named = {word.strip().split()[0] for word in re.split(r"[,|]", packages.field(deb, "Depends"))}
    for library in needed:
        (path,) = set(re.findall(rf"=> (/\S*/{re.escape(library)}) ", packages.run(["ldd", packages.BUILD / "poolwarden"])))
        packages_with = {line.split(":")[0] for line in owners_of(path)}
        assert packages_with & named, f"{library} is in {packages_with}, Depends names {named}"
    assert {"ca-certificates", "systemd", "procps"} <= named


def owners_of(path):
    """dpkg knows a file by the name that it was packed with, with or without /usr."""
    for name in (path, path.removeprefix("/usr"), "/usr" + path):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.splitlines()
    raise AssertionError(f"{path} belongs to no package")


def test_the_configuration_is_known_to_be_edited(deb, tmp_path):
    packages.run(["dpkg-deb", "-e", deb, tmp_path])
    assert (tmp_path / "conffiles").read_text() == "/etc/poolwarden/agent.conf\n"


def build_elsewhere(directory):
    """The source of this tree, built there by a compiler without a cache."""
    shutil.copytree(packages.ROOT, directory, ignore=shutil.ignore_patterns(".*", "build*", "__pycache__"))
    environment = {"PATH": "/usr/bin:/bin", "CCACHE_DISABLE": "1"}
    packages.run(["cmake", "-S", directory, "-B", directory / "made", "-G", "Ninja", "-DPOOLWARDEN_COMMIT=0123456789ab"],
                 env=environment)
    packages.run(["cmake", "--build", directory / "made", "--target", "poolwarden", "compressed"], env=environment)
    return directory / "made"


def test_the_same_source_makes_the_same_program_and_package(tmp_path):
    one, other = build_elsewhere(tmp_path / "here"), build_elsewhere(tmp_path / "a name that is longer" / "there")
    assert (one / "poolwarden").read_bytes() == (other / "poolwarden").read_bytes()
    assert packages.pack(tmp_path / "1", one).read_bytes() == packages.pack(tmp_path / "2", other).read_bytes()


def test_an_installation_from_source_leaves_an_edited_configuration(tmp_path):
    install = ["cmake", "--install", packages.BUILD]
    conf = tmp_path / "etc" / "poolwarden" / "agent.conf"
    packages.run(install, env={"PATH": "/usr/bin:/bin", "DESTDIR": str(tmp_path)})
    assert conf.stat().st_mode & 0o777 == 0o640
    conf.write_text("edited")
    packages.run(install, env={"PATH": "/usr/bin:/bin", "DESTDIR": str(tmp_path)})
    assert conf.read_text() == "edited"
    assert (tmp_path / "usr" / "bin" / "poolwarden").stat().st_mode & 0o777 == 0o755


# ---- its life on a system ----

def test_installed_everything_has_its_owner_and_mode(root):
    for path, expected in EXPECTED.items():
        assert owner_and_mode(root, path) == expected, path
    others = {path for path in files(root) - root.before if "poolwarden" in path} - set(EXPECTED)
    assert {path for path in others if not re.search(r"/poolwarden(\.service\.d)?$", path)} == set()


def test_the_account_of_the_service_can_not_log_in(root):
    entry = root.run("getent", "passwd", "poolwarden").strip().split(":")
    assert int(entry[2]) < 1000 and entry[6].endswith("nologin")
    assert root.run("getent", "shadow", "poolwarden").split(":")[1].startswith("!")


def test_it_runs_with_the_libraries_that_it_depends_on(root):
    assert root.run("poolwarden", "--version").startswith("poolwarden ")


def test_systemd_takes_the_units(root):
    units = ["poolwarden.service", "poolwarden-setup-alarms.service"]
    assert root.run("systemd-analyze", "verify", "--man=no", *units).strip() == ""


def test_nothing_is_started_while_no_database_is_named(root):
    assert "disabled" in root.run("systemctl", "is-enabled", "poolwarden.service", check=False)


def test_an_edited_configuration_survives_an_upgrade(root, deb, tmp_path):
    edited = root.read("/etc/poolwarden/agent.conf") + "\n[database orders]\nurl = postgresql://a@b/c\n"
    root.write("/etc/poolwarden/agent.conf", edited, mode="640")
    root.write("/etc/poolwarden/password", "s3cret\n", mode="600")
    root.run("systemctl", "enable", "poolwarden.service")

    def change(tree):
        with open(tree / "etc" / "poolwarden" / "agent.conf", "a") as conf:
            conf.write("# what is new\n")

    root.install(packages.newer(deb, tmp_path, "9.9.9", change))
    assert root.run("dpkg-query", "-W", "-f", "${Version}", "poolwarden") == "9.9.9"
    assert root.read("/etc/poolwarden/agent.conf") == edited
    assert "# what is new" in root.read("/etc/poolwarden/agent.conf.dpkg-dist")
    assert owner_and_mode(root, "/etc/poolwarden/agent.conf") == ("root:poolwarden", "640")
    assert owner_and_mode(root, "/etc/poolwarden/password") == ("root:root", "600")
    assert root.run("systemctl", "is-enabled", "poolwarden.service").strip() == "enabled"


def test_another_group_that_somebody_gave_the_configuration_stays(root, deb, tmp_path):
    root.run("chgrp", "adm", "/etc/poolwarden/agent.conf")
    root.install(packages.newer(deb, tmp_path, "9.9.10", lambda tree: None))
    assert owner_and_mode(root, "/etc/poolwarden/agent.conf") == ("root:adm", "640")


def test_removed_the_configuration_and_what_was_sampled_stay(root):
    root.run("install", "-d", "-o", "poolwarden", "-g", "poolwarden", "-m", "700", "/var/lib/poolwarden")
    root.write("/var/lib/poolwarden/journal", "kept")
    root.run("apt-get", "remove", "-y", "poolwarden")
    assert "poolwarden.service" not in root.run("ls", "-R", "/usr/lib/systemd/system", "/etc/systemd/system")
    assert "[database orders]" in root.read("/etc/poolwarden/agent.conf")
    assert root.read("/var/lib/poolwarden/journal") == "kept"
    assert root.run("getent", "passwd", "poolwarden").startswith("poolwarden:")


def test_installed_again_it_has_all_it_had(root, deb):
    root.install(deb, "--allow-downgrades")
    assert "[database orders]" in root.read("/etc/poolwarden/agent.conf")


def test_purged_nothing_is_left(root):
    root.run("apt-get", "purge", "-y", "--autoremove", "poolwarden")
    assert "poolwarden" not in root.run("cat", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
    assert files(root) - root.before == set()
    assert root.before - files(root) == set()
