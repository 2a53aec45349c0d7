"""Nothing is lost: kill -9, full and read-only disks, damaged files, a second agent, lost answers.

The servers' own logs are the independent record of what was sampled: each run of the prepared statement is a line there.
Long runs take their length from the environment: POOLWARDEN_OUTAGE_S (40) for the outage with kill -9.
"""
import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

import pytest

from arrived import ORDERS, total, windows
from ports import free_port
from postgres import Postgres
from wait import wait_until

OUTAGE_S = float(os.environ.get("POOLWARDEN_OUTAGE_S", "40"))
HOST = {"Agent": socket.gethostname()}
FULL = {"metrics": "full"}


@pytest.fixture
def recorded():
    """A server that writes down each sample it is asked for."""
    with Postgres(max_connections=50, log_statement="all", log_line_prefix="%m ") as running:
        yield running


def samples_in(server):
    """Wall-clock seconds at which the prepared statement ran, from the server's log."""
    return re.findall(r"^(\S+ \S+) \S+ LOG:  execute sample:", server.log.read_text(errors="replace"), re.M)


def settled(agent, server):
    """Just after a sample, when its answer has been written down: far from the next."""
    before = len(samples_in(server))
    wait_until(lambda: len(samples_in(server)) > before, 5)
    until = time.monotonic() + 0.3
    wait_until(lambda: time.monotonic() > until)


def kill_9(agent):
    agent.process.send_signal(signal.SIGKILL)
    agent.process.wait()


def count_of(standin, name, dimensions=None):
    return sum(point["sample_count"] for _, point in standin.series(name, dimensions or ORDERS))


def spool_of(agent):
    [directory] = (agent.directory / "spool").iterdir()
    return directory


def segments(agent):
    return sorted(spool_of(agent).glob("*.segment"))


def everything_arrived(standin, server, what="DatabaseConnections"):
    """As many samples as the server was asked for; each once."""
    wait_until(lambda: count_of(standin, what) >= len(samples_in(server)), 20,
               what=lambda: f"{count_of(standin, what)} of {len(samples_in(server))}\n{standin.report()}")
    assert count_of(standin, what) == len(samples_in(server))


# ---- kill -9 ----


def test_the_open_window_survives_kill_9_in_its_own_minute(agent_for, recorded, standin):
    """Windows of a minute: nothing has been published yet when the agent is killed."""
    agent = agent_for({"orders": recorded.url()}, standin, agent={"publish_interval": "60s"}, cloudwatch=FULL,
                      pools={"web": "orders"}, statsd={"listen": f"127.0.0.1:{free_port()}"}).start()
    port = int(re.search(r"listen = .*:(\d+)", agent.config.read_text())[1])
    wait_until(lambda: len(samples_in(recorded)) >= 3)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        sender.sendto(b"web.pool_timeout:7|c", ("127.0.0.1", port))
    settled(agent, recorded)
    kill_9(agent)
    assert standin.calls("PutMetricData") == []
    killed_in = int(time.time()) // 60
    agent.start()
    agent.wait_for_log("readings of an earlier run go into their windows")
    settled(agent, recorded)
    assert agent.terminate() == 0
    everything_arrived(standin, recorded)
    assert total(standin, "PoolTimeout", {**ORDERS, "Pool": "web"}) == 7
    assert total(standin, "PoolTimeout", {}) == 7
    points = standin.series("DatabaseConnections", ORDERS)
    assert {int(timestamp) // 60 for timestamp, _ in points} <= {killed_in - 1, killed_in, killed_in + 1}
    assert all(timestamp % 60 == 0 for timestamp, _ in points)


REFUSALS = ("503", "refused", "black hole", "throttling")


@contextlib.contextmanager
def refusing(standin, how):
    if how == "refused":
        standin.stop()
        with socket.socket() as nobody:  # else the port may become another test's
            nobody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            nobody.bind(("127.0.0.1", standin.port))
            yield
        standin.start()
        return
    fault = {"503": "html", "black hole": "hang", "throttling": "ThrottlingException"}[how]
    rule = standin.faults.add(fault, operation="PutMetricData", count=None)
    yield
    standin.faults.remove(rule)


def test_an_outage_with_three_kills_loses_nothing_and_doubles_nothing(agent_for, recorded, standin):
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=FULL).start()
    windows(standin, 1)
    begun = time.monotonic()
    for number, how in enumerate(REFUSALS):
        with refusing(standin, how):
            wait_until(lambda: time.monotonic() - begun > (number + 1) * OUTAGE_S / 4, OUTAGE_S)
            if number < 3:
                settled(agent, recorded)
                kill_9(agent)
                agent.start()
    stored = count_of(standin, "DatabaseConnections")
    assert not agent.log_lines("refused a datum")
    agent.wait_for_log("publishing again", 40)
    settled(agent, recorded)
    assert agent.terminate() == 0
    everything_arrived(standin, recorded)
    values = {}
    for _, point in standin.series("DatabaseConnections", ORDERS):
        for value, count in point["values"].items():
            values[value] = values.get(value, 0) + count
    assert values == {recorded.count_client_backends() + 1: len(samples_in(recorded))}
    for name in ("DatabaseUp", "SampleLatency", "DatabaseRole"):
        assert count_of(standin, name) == len(samples_in(recorded)), name
    print(f"outage of {OUTAGE_S:g} s, 3 kills: {len(samples_in(recorded))} samples, {stored} before the end of the outage, "
          f"all once")


def test_lost_answers_and_kills_at_least_once_and_the_doubled_are_counted(agent_for, recorded, standin):
    """The service takes the data and its answer is lost; the agent is killed before it could know."""
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=FULL).start()
    windows(standin, 1)
    for fault in ("hang", "close", "hang"):
        rule = standin.faults.add(fault, operation="PutMetricData", stored=True)
        wait_until(lambda: rule.hits > 0, 20)
        wait_until(lambda: standin.calls("PutMetricData")[-1].fault or time.time(), 5)
        settled(agent, recorded)
        kill_9(agent)
        agent.start()
    windows(standin, 3, deadline_s=40)
    settled(agent, recorded)
    assert agent.terminate() == 0
    wait_until(lambda: count_of(standin, "DatabaseConnections") >= len(samples_in(recorded)), 20)
    series = {(datum.name, tuple(sorted(datum.dimensions.items())), datum.timestamp, tuple(datum.values),
               tuple(datum.counts)) for datum in standin.metrics()}
    doubled = len(standin.metrics()) - len(series)
    counted = total(standin, "AgentAmbiguousRetries", HOST)
    print(f"{doubled} datums doubled, AgentAmbiguousRetries {counted:g}")
    assert 0 < doubled <= counted


def test_a_batch_in_flight_when_killed_is_sent_again_and_said(agent_for, recorded, standin):
    rule = standin.faults.add("hang", operation="PutMetricData", stored=False)
    agent = agent_for({"orders": recorded.url()}, standin, cloudwatch=FULL).start()
    wait_until(lambda: rule.hits > 0, 20)
    settled(agent, recorded)
    kill_9(agent)
    agent.start()
    agent.wait_for_log("were being sent when it ended.*may count twice")
    windows(standin, 2)
    settled(agent, recorded)
    assert agent.terminate() == 0
    everything_arrived(standin, recorded)
    assert total(standin, "AgentAmbiguousRetries", HOST) > 0


def test_sigterm_while_cloudwatch_is_gone_loses_nothing(agent_for, recorded, standin):
    agent = agent_for({"orders": recorded.url()}, standin).start()
    windows(standin, 1)
    standin.stop()
    agent.wait_for_log("cannot publish")
    settled(agent, recorded)
    assert agent.terminate() == 0
    agent.wait_for_log("stopped; [0-9]+ datums wait in .* and are sent at the next start")
    standin.start()
    agent.start()
    agent.wait_for_log("datums of an earlier run wait")
    windows(standin, 1)
    settled(agent, recorded)
    assert agent.terminate() == 0
    everything_arrived(standin, recorded)


# ---- disks ----


@contextlib.contextmanager
def small_disk(path, size="1200k"):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")


@needs_root
def test_a_disk_that_is_full_and_then_free_again(agent_for, recorded, standin, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        agent = agent_for({"orders": recorded.url()}, standin, agent={"state_dir": disk}, cloudwatch=FULL).start()
        windows(standin, 1)
        standin.stop()
        agent.wait_for_log("cannot publish")
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        agent.wait_for_log("No space left on device.*kept in memory only", 20)
        wait_until(lambda: not segments_grow(disk), 10)
        filler.unlink()
        agent.wait_for_log("can be written again", 20)
        settled(agent, recorded)
        kill_9(agent)  # what was in memory only is on disk by now
        standin.start()
        agent.start()
        agent.wait_for_log("datums of an earlier run wait")
        windows(standin, 2)
        settled(agent, recorded)
        assert agent.terminate() == 0
        everything_arrived(standin, recorded)
        assert len(agent.log_lines("No space left")) == 0


def segments_grow(disk):
    sizes = [path.stat().st_size for path in disk.glob("spool/*/*.segment")]
    until = time.monotonic() + 2.5
    wait_until(lambda: time.monotonic() > until)
    return [path.stat().st_size for path in disk.glob("spool/*/*.segment")] != sizes


@needs_root
def test_a_read_only_file_system_is_said_and_memory_serves(agent_for, recorded, standin, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        agent = agent_for({"orders": recorded.url()}, standin, agent={"state_dir": disk}).start()
        agent.wait_for_log("WARN.*Read-only file system")
        windows(standin, 2)
        settled(agent, recorded)
        assert agent.terminate() == 0
        everything_arrived(standin, recorded)


def test_a_state_directory_that_can_not_be_written_is_said_and_memory_serves(agent_for, recorded, standin):
    agent = agent_for({"orders": recorded.url()}, standin, agent={"state_dir": "/proc/sys"}).start()
    agent.wait_for_log("WARN.*/proc/sys")
    windows(standin, 2)
    settled(agent, recorded)
    assert agent.terminate() == 0
    everything_arrived(standin, recorded)


# ---- damage ----


def read_records(data):
    """An independent reader: (offset, end, type, payload) of every record."""
    import struct
    import zlib
    found, at = [], 0
    while at + 20 <= len(data):
        marker, kind, length, body_sum, head_sum = struct.unpack_from("<4sIIII", data, at)
        if marker == b"\xf5PW\xfa" and zlib.crc32(data[at:at + 16]) == head_sum and \
                zlib.crc32(data[at + 20:at + 20 + length]) == body_sum:
            found.append((at, at + 20 + length, kind, data[at + 20:at + 20 + length]))
            at += 20 + length
        else:
            at += 1
    return found


DATUM = 1


def undamaged_datums(path, offsets):
    spoilt = sorted(offsets)
    for start, end, kind, payload in read_records(path.read_bytes()):
        if kind == DATUM and not any(start <= offset < end for offset in spoilt):
            yield payload[17:-1].decode()


def test_a_thousand_flipped_bytes_cost_only_the_records_they_are_in(agent_for, recorded, standin):
    seed = int(os.environ.get("POOLWARDEN_SEED", time.time()))
    print("seed", seed)
    chance = random.Random(seed)
    agent = agent_for({"orders": recorded.url()}, standin, agent={"publish_interval": "1s"}, cloudwatch=FULL)
    standin.stop()
    agent.start()
    agent.wait_for_log("cannot publish")
    wait_until(lambda: sum(path.stat().st_size for path in segments(agent)) > 120_000, 60)
    kill_9(agent)
    expected = []
    for path in segments(agent):
        data = bytearray(path.read_bytes())
        offsets = {chance.randrange(len(data)) for _ in range(1000)}
        expected += undamaged_datums(path, offsets)
        for offset in offsets:
            data[offset] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
    standin.start()
    agent.start()
    agent.wait_for_log("damaged in [0-9]+ places")
    wait_until(lambda: standin.metrics(), 20)
    windows(standin, 2, deadline_s=30)
    assert agent.terminate() == 0
    arrived = {describe(datum) for datum in standin.metrics()}
    missing = [members for members in expected if describe_members(members) not in arrived]
    assert len(expected) > 20 and missing == [], f"{len(missing)} of {len(expected)}: {missing[:3]}"
    assert total(standin, "AgentDatapointsDropped", HOST) > 0
    print(f"{len(expected)} undamaged datums, all delivered")


def describe(datum):
    return (datum.name, tuple(sorted(datum.dimensions.items())), tuple(zip(datum.values, datum.counts)))


def describe_members(members):
    import json
    raw = json.loads("{" + members + "}")
    values = raw.get("Values") or [raw["Value"]]
    return (raw["MetricName"], tuple(sorted((row["Name"], row["Value"]) for row in raw.get("Dimensions", []))),
            tuple(zip(values, raw.get("Counts") or [1] * len(values))))


def test_foreign_files_are_named_and_left_alone(agent_for, recorded, standin):
    agent = agent_for({"orders": recorded.url()}, standin).start()
    windows(standin, 1)
    assert agent.terminate() == 0
    note = spool_of(agent) / "README"
    note.write_text("mine")
    (spool_of(agent) / "00000000000000ff.segment").mkdir()
    agent.start()
    agent.wait_for_log("2 files are not poolwarden's and are left alone")
    windows(standin, 1)
    assert agent.terminate() == 0
    assert note.read_text() == "mine"


# ---- one writer ----


def test_a_second_agent_on_the_same_directory_is_refused(agent_for, recorded, standin):
    first = agent_for({"orders": recorded.url()}, standin).start()
    windows(standin, 1)
    second = agent_for({"orders": recorded.url()}, standin, directory="second",
                       agent={"state_dir": first.directory}).start()
    assert second.wait() == 1
    assert f"state_dir {first.directory} is in use by another poolwarden" in second.log
    kill_9(first)
    second.start()
    windows(standin, 1)
    assert second.terminate() == 0


def test_without_a_state_directory_the_same_queue_lives_in_memory(agent_for, recorded, standin):
    agent = agent_for({"orders": recorded.url()}, standin, agent={"state_dir": ""}).start()
    windows(standin, 1)
    standin.stop()
    agent.wait_for_log("cannot publish")
    settled(agent, recorded)
    standin.start()
    agent.wait_for_log("publishing again", 30)
    settled(agent, recorded)
    assert agent.terminate() == 0
    everything_arrived(standin, recorded)
    assert not (pathlib.Path(agent.directory) / "spool").exists()
