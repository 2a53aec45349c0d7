"""StatsD on real sockets: floods, rubbish, unix datagrams; what is lost is counted."""
import os
import random
import re
import socket
import stat

from arrived import ORDERS, holds, total, windows
from ports import free_udp_port
from wait import wait_until

WORKERS = {**ORDERS, "Pool": "workers"}
BURST = 1000


def resident_kb(agent):
    status = open(f"/proc/{agent.process.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def sent_to(port):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(("127.0.0.1", port))
    return sender


def dropped(standin):
    return sum(total(standin, "AgentDatagramsDropped", {"Agent": name}) for name in [socket.gethostname()])


def started(agent, port, **statsd):
    running = agent(cloudwatch={"metrics": "full"}, pools={"workers": "orders"},
                    statsd={"listen": f"127.0.0.1:{port}", **statsd})
    running.wait_for_log("connected")
    return running


def test_a_million_datagrams_are_counted_or_known_to_be_lost(agent, standin):
    port, count = free_udp_port(), 1_000_000
    running = started(agent, port)
    windows(standin, 1, "PoolTimeout", WORKERS)
    before = resident_kb(running)
    with sent_to(port) as sender:
        for _ in range(count // BURST):
            for _ in range(BURST):
                sender.send(b"workers.pool_timeout:1|c")
    wait_until(lambda: total(standin, "PoolTimeout", WORKERS) + dropped(standin) == count, 30,
               what=lambda: f"{total(standin, 'PoolTimeout', WORKERS)} and {dropped(standin)}\n{running.log}")
    assert total(standin, "PoolTimeout", WORKERS) > count / 2
    assert resident_kb(running) - before < 4096
    assert total(standin, "PoolTimeout") == total(standin, "PoolTimeout", {}) == total(standin, "PoolTimeout", WORKERS)
    assert running.terminate() == 0


def test_what_the_kernel_drops_is_published_and_said(agent, standin):
    port = free_udp_port()
    running = started(agent, port)
    windows(standin, 1, "PoolTimeout", WORKERS)
    running.process.send_signal(19)  # SIGSTOP: nobody reads
    with sent_to(port) as sender:
        for _ in range(100_000):
            sender.send(b"workers.pool_timeout:1|c")
    running.process.send_signal(18)
    wait_until(lambda: total(standin, "PoolTimeout", WORKERS) + dropped(standin) == 100_000, 20,
               what=lambda: f"{total(standin, 'PoolTimeout', WORKERS)} and {dropped(standin)}")
    assert dropped(standin) > 0
    running.wait_for_log("the kernel had no room for .* datagrams")


def test_rubbish_and_a_flood_of_names_are_refused_and_counted(agent, standin):
    port, names = free_udp_port(), 1_000_000
    running = started(agent, port, database="orders", max_pools=3)
    windows(standin, 1, "PoolTimeout", WORKERS)
    noise = random.Random(7)
    with sent_to(port) as sender:
        for _ in range(5000):
            sender.send(noise.randbytes(noise.randrange(1, 1400)))
        for _ in range(500):
            sender.send(b"workers.pool_timeout:1|c\n" * 2600)  # 65,000 bytes
        before = resident_kb(running)
        for number in range(names):
            sender.send(b"pool%d.pool_timeout:1|c" % number)
        for _ in range(50):
            sender.send(b"workers.pool_timeout:1|c")
    wait_until(lambda: total(standin, "PoolTimeout", WORKERS) > 0, 20)
    assert resident_kb(running) - before < 4096
    assert total(standin, "PoolTimeout", WORKERS) <= 50
    assert len(running.log_lines("new pool")) == 3
    first = re.search("new pool (pool[0-9]+)", running.log).group(1)  # not 0 when the kernel dropped that
    assert total(standin, "PoolTimeout", {**ORDERS, "Pool": first}) == 1
    running.wait_for_log("lines not used: .*too many pools|lines not used: .*bad name")
    assert running.terminate() == 0


def test_a_unix_socket_beside_udp(agent_for, server, standin, tmp_path):
    port, path = free_udp_port(), tmp_path / "statsd.sock"
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(path))
    left.close()  # by a process that is gone
    sections = {"pools": {"workers": "orders"}, "cloudwatch": {"metrics": "standard"},
                "statsd": {"listen": f"127.0.0.1:{port}, unix:{path}"}}
    agent = agent_for({"orders": server.url()}, standin, **sections).start()
    agent.wait_for_log("connected")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix, sent_to(port) as udp:
        unix.connect(str(path))
        for _ in range(3):
            unix.send(b"workers.pool_timeout:2|c")
            udp.send(b"workers.pool_timeout:1|c|@0.5|#env:prod")
        unix.send(b"workers.size:10|g\nworkers.busy:9|g\nworkers.waiting:4|g\nworkers.max_wait:1.25|g")
    wait_until(lambda: total(standin, "PoolTimeout", WORKERS) == 12, 15, what=standin.report)
    for name, value in (("PoolUtilization", 90), ("PoolClientsWaiting", 4), ("PoolMaxWait", 1.25)):
        assert [point["max"] for _, point in standin.series(name, WORKERS)] == [value]
    second = agent_for({"orders": server.url()}, standin, directory="second",
                       statsd={"listen": f"unix:{path}", "database": "orders"}).start()
    assert second.wait() == 1
    assert "Address already in use" in second.log
    assert agent.terminate() == 0
    assert not path.exists()


def test_a_pool_that_is_read_otherwise_is_not_for_datagrams(agent, standin, tmp_path):
    port, log = free_udp_port(), tmp_path / "app.log"
    log.write_text("")
    running = agent(statsd={"listen": f"127.0.0.1:{port}", "database": "orders"},
                    **{"pool web": {"type": "log", "database": "orders", "path": log, "match": "prisma"}})
    running.wait_for_log("connected")
    with sent_to(port) as sender:
        sender.send(b"web.pool_timeout:5|c")
    running.wait_for_log("lines not used: a pool that is read otherwise 1")
    holds(standin, "PoolTimeout", 0, {**ORDERS, "Pool": "web"})
