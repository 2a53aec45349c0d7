"""The console of a PgBouncer that can not be installed here, after a script: its protocol, and the answers it is told.

    with Console(version="1.26.1") as console:
        console.totals(xacts=12, assignments=2, waiting=10)
        console.restart(xacts=0, ...)          connections are ended, totals begin anew
"""
import contextlib
import socket
import socketserver
import struct
import threading
import time

from ports import free_port

POOLS = ("database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
         "sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode load_balance_hosts").split()
STATS = ("database total_server_assignment_count total_xact_count total_query_count total_received total_sent "
         "total_xact_time total_query_time total_wait_time").split()
DATABASES = "name host port database force_user pool_size min_pool_size reserve_pool_size server_lifetime pool_mode".split()
CONFIG = "key value default changeable".split()


class Console:
    def __init__(self, version="1.26.1"):
        self.version, self.port = version, free_port()
        self.queries, self.refuse_next = [], 0
        self.delay_s = 0  # of each answer
        self._lock, self._sessions = threading.Lock(), []
        self.totals(0, 0, 0)

    def totals(self, xacts, assignments, waiting, mode="transaction", maxwait=0):
        with self._lock:
            self._state = (xacts, assignments, waiting, mode, maxwait)

    def restart(self, *totals, **more):
        self.totals(*totals, **more)
        for session in list(self._sessions):
            with contextlib.suppress(OSError):
                session.shutdown(socket.SHUT_RDWR)

    @property
    def sessions(self):
        """How many are connected."""
        return len(self._sessions)

    def url(self):
        return f"postgresql://stats@127.0.0.1:{self.port}/pgbouncer"

    def __enter__(self):
        console = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                console._sessions.append(self.request)
                with contextlib.suppress(OSError, struct.error):
                    console._serve(self.request)
                console._sessions.remove(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.restart(0, 0, 0)
        self._server.shutdown()
        self._server.server_close()

    # ---- the protocol ----

    def _serve(self, connection):
        stream = connection.makefile("rb")
        length, code = struct.unpack("!II", stream.read(8))
        if code == 80877103:  # SSLRequest
            connection.sendall(b"N")
            length, code = struct.unpack("!II", stream.read(8))
        parameters = stream.read(length - 8).split(b"\0")
        assert b"options" not in parameters
        connection.sendall(message(b"R", struct.pack("!I", 0))
                           + message(b"S", b"server_version\0" + f"{self.version}/bouncer".encode() + b"\0") + READY)
        while kind := stream.read(1):
            body = stream.read(struct.unpack("!I", stream.read(4))[0] - 4)
            if kind == b"X":
                return
            if kind != b"Q":
                connection.sendall(error("extended query protocol not supported by admin console"))
                return
            query = body.rstrip(b"\0").decode()
            self.queries.append(query)
            time.sleep(self.delay_s)
            connection.sendall(self._answer(query) + READY)

    def _answer(self, query):
        with self._lock:
            xacts, assignments, waiting, mode, maxwait = self._state
        if query == "SHOW STATS":
            return table(STATS, [["app", assignments, xacts, xacts, 0, 0, 0, 0, 0], ["pgbouncer", 0, 9, 9, 0, 0, 0, 0, 0]])
        if query == "SHOW POOLS":
            return table(POOLS, [["app", "app", 2, waiting, 0, 0, 2, 0, 0, 0, 0, 0, 0, maxwait, 500000, mode, "disable"],
                                 ["pgbouncer", "pgbouncer", 1] + [0] * 12 + ["statement", None]])
        if query == "SHOW DATABASES":
            return table(DATABASES, [["app", "h", 5432, "app", None, 2, 0, 0, 3600, None]])
        if query == "SHOW CONFIG":
            return table(CONFIG, [["log_pooler_errors", 1, 1, "yes"], ["log_disconnections", 1, 1, "yes"]])
        return error(f"invalid command '{query}', use SHOW HELP;")


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")


def table(columns, rows):
    described = b"".join(name.encode() + b"\0" + struct.pack("!IhIhih", 0, 0, 25, -1, -1, 0) for name in columns)
    out = message(b"T", struct.pack("!h", len(columns)) + described)
    for row in rows:
        cells = b"".join(struct.pack("!i", -1) if cell is None else
                         struct.pack("!i", len(str(cell))) + str(cell).encode() for cell in row)
        out += message(b"D", struct.pack("!h", len(row)) + cells)
    return out + message(b"C", b"SHOW\0")


def error(text):
    return message(b"E", b"SERROR\0VERROR\0C08P01\0M" + text.encode() + b"\0\0")
