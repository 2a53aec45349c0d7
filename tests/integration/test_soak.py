"""Nothing grows: 20 databases at 1 s. POOLWARDEN_SOAK_S (25) is how long; from 10 minutes on memory is held to 5 %."""
import os
import time

from arrived import windows
from postgres import Postgres
from wait import wait_until

SOAK_S = float(os.environ.get("POOLWARDEN_SOAK_S", "25"))
SETTLED_S = min(600, SOAK_S / 2)  # until then it may grow: buffers, names, the first windows
DATABASES = [f"db{number:02}" for number in range(20)]


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.process.pid}/fd"))


def test_memory_and_descriptors_stay_flat(agent_for, standin):
    with Postgres(max_connections=60) as server:
        agent = agent_for({name: server.url() for name in DATABASES}, standin, cloudwatch={"metrics": "full"},
                          agent={"publish_interval": "60s" if SOAK_S > 600 else "2s"}).start()
        begun = time.monotonic()
        rows = []
        while time.monotonic() - begun < SOAK_S:
            until = time.monotonic() + min(60, SOAK_S / 10)
            wait_until(lambda: time.monotonic() > until, 70)
            assert agent.is_running
            rows.append((time.monotonic() - begun, agent.memory_kb, descriptors(agent)))
        windows(standin, 1, dimensions={"DBInstanceIdentifier": DATABASES[-1]}, deadline_s=80)
        assert agent.terminate() == 0
        print("(s, own KB, descriptors)", [(round(at), kb, count) for at, kb, count in rows])
        settled = [row for row in rows if row[0] >= SETTLED_S]
        assert max(count for _, _, count in settled) <= settled[0][2] + 3  # a file or a socket in passing
        if SOAK_S > 1200:
            assert max(kb for _, kb, _ in settled) <= 1.05 * settled[0][1]
        for name in DATABASES:
            ticks = sum(point["sample_count"] for _, point in standin.series("DatabaseUp", {"DBInstanceIdentifier": name}))
            assert ticks >= SOAK_S - 5, name
