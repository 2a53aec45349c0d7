"""The units as files: what systemd itself says of them, without one that runs. test_service.py has one."""
import re
import subprocess

import pytest

import manual

SYSTEMD = manual.ROOT / "systemd"
UNITS = ("poolwarden.service", "poolwarden-setup-alarms.service")
EXPOSURE_MAX = 1.5  # of 10; systemd calls up to 2 "OK"


def security(path):
    """systemd's own verdict on a unit file, and its whole table."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           f"--threshold={EXPOSURE_MAX * 10:.0f}", path], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_the_exposure_is_small(unit):
    accepted, table = security(SYSTEMD / unit)
    exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", table)[1])
    assert accepted and exposure <= EXPOSURE_MAX, table


def test_the_threshold_refuses_a_unit_without_a_sandbox(tmp_path):
    bare = tmp_path / "bare.service"
    text = (SYSTEMD / UNITS[0]).read_text()
    bare.write_text(re.sub(r"^(Protect|Private|Restrict|SystemCall|Capability).*\n", "", text, flags=re.MULTILINE))
    accepted, table = security(bare)
    assert not accepted and "Overall exposure level" in table


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(binary, tmp_path, unit):
    """With the program that was built in the place of the one that is not installed here."""
    copy = tmp_path / unit
    copy.write_text((SYSTEMD / unit).read_text().replace("/usr/bin/poolwarden", str(binary)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    told = [line for line in done.stderr.splitlines() if line.startswith(unit)]
    assert (done.returncode, told) == (0, []), done.stderr


def test_both_have_the_same_sandbox():
    sandboxes = [(SYSTEMD / unit).read_text().split("# The sandbox", 1)[1].split("\n\n")[0].splitlines()[1:]
                 for unit in UNITS]
    assert sandboxes[0] == sandboxes[1] and len(sandboxes[0]) > 25


def test_the_program_has_the_options_and_the_pages_that_the_units_name():
    for unit in UNITS:
        text = (SYSTEMD / unit).read_text()
        for option in re.findall(r"^ExecStart=/usr/bin/poolwarden(.*)$", text, re.MULTILINE)[0].split():
            assert option in manual.options()
        for name, section in re.findall(r"man:([a-z.]+)\((\d)\)", text):
            assert f"{name}.{section}" in manual.PAGES
