"""Throwaway PgBouncers, real ones, in front of a Postgres.

    with PgBouncer(server, default_pool_size=2) as bouncer:
        bouncer.url()                         of its console, as `stats`
        bouncer.connect()                     a client of the database app, as `app`
        told = bouncer.load(12, 5)            12 clients at once, each a statement of 5 s: how many were told that they waited too long
        bouncer.restart()
        bouncer.kill();  bouncer.start()
        with bouncer.frozen(): ...            the kernel goes on to take connections for it; nobody answers
"""
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

import psycopg2

from ports import free_port
from postgres import PASSWORD, as_other_user
from wait import wait_until

STATS_PASSWORD = "st4ts"


class PgBouncer:
    def __init__(self, server, **settings):
        self.server, self.port = server, free_port()
        self.settings = {"default_pool_size": 2, "reserve_pool_size": 0, "query_wait_timeout": 2,
                         "pool_mode": "transaction", "max_client_conn": 300, **settings}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pwb-", dir="/tmp"))
        self.log = self.directory / "pgbouncer.log"
        self._process = None

    def __enter__(self):
        try:
            if other := as_other_user():
                os.chown(self.directory, other["user"], other["group"])
            self._write()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory)

    def _write(self):
        users = self.directory / "users"
        users.write_text(f'"app" "{PASSWORD}"\n"stats" "{STATS_PASSWORD}"\n')
        settings = {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": self.directory,
                    "auth_type": "md5", "auth_file": users, "stats_users": "stats", "logfile": self.log, **self.settings}
        (self.directory / "ini").write_text(
            "[databases]\n" f"app = host=127.0.0.1 port={self.server.port} dbname=postgres\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in settings.items()))

    # ---- the process ----

    def start(self):
        self._process = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", self.directory / "ini"], cwd=self.directory,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, **as_other_user())
        wait_until(self._answers, 15, what=lambda: self.log.read_text()[-2000:] if self.log.exists() else "no log")

    def _answers(self):
        assert self._process.poll() is None
        with contextlib.suppress(psycopg2.OperationalError):
            self.connect().close()
            return True
        return False

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:  # who started us has it ignore that
                self._process.kill()
                self._process.wait(10)

    def kill(self):
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def frozen(self):
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def restart(self, **settings):
        self.stop()
        self.settings.update(settings)
        self._write()
        self.start()

    # ---- clients ----

    def url(self, host="127.0.0.1"):
        return f"postgresql://stats:{STATS_PASSWORD}@{host}:{self.port}/pgbouncer"

    def connect(self):
        session = psycopg2.connect(host="127.0.0.1", port=self.port, user="app", password=PASSWORD, dbname="app",
                                   connect_timeout=10)
        session.autocommit = True
        return session

    def load(self, clients, seconds):
        """Connects all, then asks at once; the number of those who were told query_wait_timeout."""
        begin = threading.Barrier(clients)

        def ask(_):
            with contextlib.closing(self.connect()) as session, session.cursor() as cursor:
                begin.wait(60)
                try:
                    cursor.execute("select pg_sleep(%s)", (seconds,))
                    return False
                except psycopg2.OperationalError as error:  # psycopg2 may show only what came behind the FATAL
                    assert "query_wait_timeout" in str(error) or "server closed the connection" in str(error)
                    return True

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            return sum(pool.map(ask, range(clients)))

    def told_in_log(self):
        """The timeouts of its log, counted another way than the agent does."""
        return sum(line.rstrip().endswith("pooler error: query_wait_timeout") for line in
                   self.log.read_text().splitlines())
