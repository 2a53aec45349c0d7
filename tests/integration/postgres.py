"""Throwaway PostgreSQL servers, real ones.

    with Postgres(max_connections=50) as server:
        session = server.connect()                       a session of `app`, an ordinary user
        server.url()                                     of `poolwarden`, which has pg_monitor
        server.url(user="plain")                         of a user that has not
        server.restart(max_connections=100)
        with server.frozen(): ...                        every process of it stopped
        server.count_client_backends()

Passwords are checked (scram-sha-256) as they are on RDS. Data lie in a short directory of /tmp, because the path of a
unix socket is short. When we are root the servers run as another user, because they refuse to run as root.
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import psycopg2

import versions
from ports import free_port
from wait import wait_until

SUPERUSER = "postgres"
PASSWORD = "s3cret"
COUNT = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
ROLES = f"""
create role app login password '{PASSWORD}';
create role plain login password '{PASSWORD}';
create role poolwarden login password '{PASSWORD}';
grant pg_monitor to poolwarden;
"""


def as_other_user():
    """For subprocess: who runs what refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("neither a user postgres nor a user nobody")


def children_of(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(stat.parent.name))
    return found


class Postgres:
    def __init__(self, version=None, **settings):
        """version: 12 to 18, or None for the distribution's own. settings: as in postgresql.conf."""
        self.binaries = versions.version(version) if version else versions.installed_by_the_distribution()
        self.settings = {"max_connections": 50, "fsync": "off", "shared_buffers": "16MB", "max_wal_size": "64MB",
                         "autovacuum": "off", **settings}
        self.port = free_port()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pw-", dir="/tmp"))
        self.log = self.directory / "log"
        self._process = None

    def __enter__(self):
        try:
            self._initialise()
            self.start()
            self.execute(ROLES)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory)

    def _initialise(self):
        if other := as_other_user():
            os.chown(self.directory, other["user"], other["group"])
        password = self.directory / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [self.binaries / "initdb", "-D", self.directory / "data", "-U", SUPERUSER, "-A", "scram-sha-256",
                   "--pwfile", password, "--no-sync", "--no-locale", "-E", "UTF8"]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, env=self._environment(),
                              **as_other_user())
        assert done.returncode == 0, done.stdout + done.stderr

    def _environment(self):
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC",
                "LD_LIBRARY_PATH": str(self.binaries.parent / "lib")}

    # ---- the server ----

    @property
    def socket(self):
        return self.directory / f".s.PGSQL.{self.port}"

    def trust_unix_socket(self):
        """For a proxy of ours, which has looked at passwords already."""
        rules = self.directory / "data" / "pg_hba.conf"
        rules.write_text("local all all trust\n" + rules.read_text())
        self.execute("select pg_reload_conf()")
        wait_until(lambda: self.value("select auth_method from pg_hba_file_rules order by 1 desc limit 1") == "trust")

    def start(self, **settings):
        self.settings.update(settings)
        command = [self.binaries / "postgres", "-D", self.directory / "data", "-p", str(self.port), "-k", self.directory,
                   "-c", "listen_addresses=127.0.0.1"]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, env=self._environment(), start_new_session=True,
                                             **as_other_user())
        wait_until(self._answers, 30, what=lambda: self.log.read_text()[-4000:])

    def _answers(self):
        assert self._process.poll() is None, self.log.read_text()[-4000:]
        try:
            self.connect(user=SUPERUSER).close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self):
        """As an administrator stops it: sessions are ended."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def restart(self, **settings):
        self.stop()
        self.start(**settings)

    def kill(self):
        """At once, in whatever state it is."""
        if self._process and self._process.poll() is None:
            self._signal_all(signal.SIGCONT)
            self._process.send_signal(signal.SIGQUIT)  # SIGKILL would leave shared memory behind
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._signal_all(signal.SIGKILL)
                self._process.wait()

    def _signal_all(self, number):
        for pid in [self._process.pid, *children_of(self._process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    @contextlib.contextmanager
    def frozen(self):
        """The kernel goes on to take connections and bytes for it; nobody answers."""
        self._signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT)

    # ---- sessions ----

    def url(self, user="poolwarden", database="postgres", password=PASSWORD, parameters=""):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}{parameters}"

    def connect(self, user="app", database="postgres", application_name="test"):
        """A session that is idle; it ends with close() or when the object is collected."""
        session = psycopg2.connect(host="127.0.0.1", port=self.port, user=user, password=PASSWORD, dbname=database,
                                   application_name=application_name, connect_timeout=5)
        session.autocommit = True
        return session

    @contextlib.contextmanager
    def sessions(self, count, **who):
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(contextlib.closing(self.connect(**who))) for _ in range(count)]

    @contextlib.contextmanager
    def idle_in_transaction(self, **who):
        with contextlib.closing(self.connect(**who)) as session, session.cursor() as cursor:
            cursor.execute("begin; select 1")
            yield session

    @contextlib.contextmanager
    def active(self, **who):
        """A session that runs a statement until it is left."""
        with contextlib.closing(psycopg2.connect(self.url("app", **who), async_=1)) as session:
            wait_until(lambda: session.poll() == psycopg2.extensions.POLL_OK)
            session.cursor().execute("select pg_sleep(300)")
            pid = session.get_backend_pid()
            wait_until(lambda: self.value("select state from pg_stat_activity where pid = %s", pid) == "active")
            try:
                yield session
            finally:  # the backend would sleep on
                self.execute("select pg_terminate_backend(%s)", pid)

    @contextlib.contextmanager
    def all_slots_taken(self):
        """Ordinary users fill every slot that they may have."""
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(contextlib.closing(self.connect()))
                except psycopg2.OperationalError:
                    break
            yield

    # ---- what it says ----

    def execute(self, sql, *arguments):
        with contextlib.closing(self.connect(user=SUPERUSER)) as session, session.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else None

    def value(self, sql, *arguments):
        rows = self.execute(sql, *arguments)
        return rows[0][0] if rows else None

    def count_client_backends(self):
        """Less the session that asks."""
        return self.value(f"{COUNT} and pid <> pg_backend_pid()")

    def agent_pid(self):
        """The backend of the agent's session, or None."""
        return self.value("select pid from pg_stat_activity where application_name = 'poolwarden'")
