"""The programs that others run for this: configured for the same work, nothing more."""
import contextlib
import http.client
import threading
import time

from machinery import installed
from ports import free_port
from wait import wait_until

# The exporter's own statement for pg_stat_activity, for when it is to ask nothing else.
ACTIVITY = """pg_stat_activity_alone:
  query: "SELECT pg_database.datname, tmp.state, COALESCE(count,0) as count, COALESCE(max_tx_duration,0) as max_tx_duration
    FROM ( VALUES ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'),
    ('fastpath function call'), ('disabled') ) AS tmp(state) CROSS JOIN pg_database LEFT JOIN ( SELECT datname, state,
    count(*) AS count, MAX(EXTRACT(EPOCH FROM now() - xact_start))::float AS max_tx_duration FROM pg_stat_activity
    GROUP BY datname,state) AS tmp2 ON tmp.state = tmp2.state AND pg_database.datname = tmp2.datname"
  metrics:
    - datname: {usage: "LABEL", description: "database"}
    - state: {usage: "LABEL", description: "state"}
    - count: {usage: "GAUGE", description: "sessions"}
    - max_tx_duration: {usage: "GAUGE", description: "seconds"}
"""
NOTHING_ELSE = ["--disable-default-metrics", "--disable-settings-metrics", "--no-collector.database",
                "--no-collector.bgwriter"]


class Exporter:
    """prometheus-postgres-exporter, scraped once a second over one connection, as Prometheus does."""

    def __init__(self, machinery, name, url, activity_only=False):
        port = free_port()
        queries = machinery.directory / f"{name}.yml"
        queries.write_text(ACTIVITY)
        options = [*NOTHING_ELSE, f"--extend.query-path={queries}"] if activity_only else []
        self.process = machinery.start(installed("prometheus-postgres-exporter"), f"--web.listen-address=127.0.0.1:{port}",
                                       "--log.level=error", *options, env={"DATA_SOURCE_NAME": url + "?sslmode=disable"})
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._ended = threading.Event()
        wait_until(self._answers, 20)
        machinery.own_phase()
        threading.Thread(target=self._scrape, daemon=True).start()
        machinery.callback(self._ended.set)

    def _answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return b"pg_stat_activity" in self.page()
        self._connection.close()
        return False

    def page(self):
        self._connection.request("GET", "/metrics")
        return self._connection.getresponse().read()

    def _scrape(self):
        due = time.monotonic()
        while not self._ended.wait(due - time.monotonic()):
            due += 1
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.page()


COLLECTD = """Hostname "bench"
FQDNLookup false
Interval 1
BaseDir "{directory}"
PIDFile "{directory}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin csv
<Plugin csv>
  DataDir "{directory}/csv"
</Plugin>
LoadPlugin {plugin}
<Plugin {plugin}>
{settings}
</Plugin>
"""


def collectd(machinery, name, plugin, settings):
    """Values go to files in memory: it wants to write somewhere."""
    directory = machinery.runtime / name
    directory.mkdir()
    config = directory / "collectd.conf"
    config.write_text(COLLECTD.format(directory=directory, plugin=plugin, settings=settings))
    log = machinery.enter_context(open(directory / "log", "wb"))
    process = machinery.start(installed("collectd"), "-f", "-C", config, stderr=log)
    time.sleep(0.5)
    if process.poll() is not None:
        raise SystemExit(f"collectd ended with {process.returncode}")
    return process


def collectd_postgresql(machinery, port, user, password):
    machinery.own_phase()
    return collectd(machinery, "collectd-postgresql", "postgresql", f"""  <Database postgres>
    Host "127.0.0.1"
    Port "{port}"
    User "{user}"
    Password "{password}"
    SSLMode "disable"
    Query backends
  </Database>""")


def collectd_statsd(machinery, port):
    return collectd(machinery, "collectd-statsd", "statsd", f"""  Host "127.0.0.1"
  Port "{port}\"""")
