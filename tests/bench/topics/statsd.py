"""What a StatsD datagram costs: the agent, a bare loop with the same parser, and collectd, in turn."""
import pathlib
import statistics
import subprocess
import time

from kernel import cpu_us, values_in
from peers import collectd_statsd
from ports import free_udp_port
from rows import Row, at_most
from wait import wait_until

RATES = {"evenly": 50000, "in a flood": 400000}  # datagrams a second
DATAGRAMS = 100000
ROUNDS = 9


def measure(machinery):
    targets = _start(machinery)
    costs = {rate: {name: [] for name in targets} for rate in RATES}
    for _ in range(machinery.shorter(ROUNDS)):
        for rate in RATES:
            for name, (pid, port) in targets.items():
                costs[rate][name].append(_one_round(machinery, pid, port, RATES[rate]))
    rows = []
    for rate, by_name in costs.items():
        median = {name: statistics.median(each for each, _ in rounds) for name, rounds in by_name.items()}
        lost = {name: sum(lost for _, lost in rounds) for name, rounds in by_name.items()}
        what = f"CPU a datagram, {rate}"
        rows += [Row(what, median["agent"], "µs", "bare loop", median["bare loop"], at_most(1.5), _told(lost, "agent")),
                 Row(what, median["agent"], "µs", "collectd", median["collectd"], at_most(1 / 3, "≤ 1/3"),
                     _told(lost, "collectd"))]
    return rows + [_allocations(machinery)]


def _told(lost, name):
    return f"{name} lost {lost[name]:,}" if lost[name] else ""


def _start(machinery):
    """{name: (pid, port)}."""
    ports = {name: free_udp_port() for name in ("agent", "bare loop", "collectd")}
    responder = machinery.responder("responder")
    agent = machinery.agent("agent", {"orders": responder.url()}, machinery.sink(), alarms={"provision": "off"},
                            pools={"workers": "orders", "api": "orders"},
                            statsd={"listen": f"127.0.0.1:{ports['agent']}"})
    processes = {"agent": agent.process,
                 "bare loop": machinery.start(machinery.bench("statsd_floor"), ports["bare loop"]),
                 "collectd": collectd_statsd(machinery, ports["collectd"])}
    for name, port in ports.items():
        wait_until(lambda: _socket_of(port), 10, f"{name} does not listen")
    return {name: (processes[name].pid, port) for name, port in ports.items()}


def _socket_of(port):
    """The fields of its line: bytes waiting, and datagrams that the kernel had no room for."""
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines():
        fields = line.split()
        if fields[1].endswith(f":{port:04X}"):
            return {"waiting": int(fields[4].split(":")[1], 16), "lost": int(fields[-1])}
    return None


def _one_round(machinery, pid, port, rate):
    """CPU of one datagram in µs; how many were lost."""
    count = machinery.shorter(DATAGRAMS, 2000)
    lost, cpu = _socket_of(port)["lost"], cpu_us(pid)
    subprocess.run([machinery.bench("sender"), str(port), str(count), str(rate)], check=True)
    wait_until(lambda: _socket_of(port)["waiting"] == 0, 20)
    time.sleep(0.05)  # what was taken last is still being read
    lost = _socket_of(port)["lost"] - lost
    return (cpu_us(pid) - cpu) / max(1, count - lost), lost


def _allocations(machinery):
    port = free_udp_port()
    counter = machinery.start(machinery.bench("statsd_allocations"), port, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: _socket_of(port))
    subprocess.run([machinery.bench("sender"), str(port), str(machinery.shorter(DATAGRAMS, 20000)), "20000"], check=True)
    seen = values_in(counter.communicate(timeout=20)[0])
    return Row("allocations a datagram", seen["allocations"] / max(1, seen["datagrams"]), goal=at_most(0.001, "0"),
               note=f"{seen['allocations']:.0f} in {seen['datagrams']:,.0f} datagrams")
