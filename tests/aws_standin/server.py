"""HTTP/1.1 on threads: reads a Call, hands it to a service, sends its Answer - or spoils it as the Answer says."""
import contextlib
import errno
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_MAX = 16 << 20  # what is read at all; the service's own limits are far lower
PORT_BACK_S = 10


class Clock:
    """The server's clock: the machine's plus an offset that tests choose."""

    def __init__(self):
        self.offset_s = 0.0

    def now(self):
        return time.time() + self.offset_s


@dataclass
class Call:
    """A request as it came over the wire."""
    method: str
    target: str
    headers: Message
    body: bytes
    peer: tuple


@dataclass
class Answer:
    """wire: whole; truncated (half the body, then the connection ends); close (no byte); hang (no byte, open)."""
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    wire: str = "whole"
    delay_s: float = 0

    @property
    def is_sent(self):
        return self.wire in ("whole", "truncated")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True

    def setup(self):
        if self.server.tls:  # here, on the connection's own thread: a slow handshake holds up nobody else
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self):
        self.server.connections.discard(self.connection)
        super().finish()
        if self.server.tls:
            self.connection.close()

    def _serve(self):
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            return self._refuse(411)
        if int(length) > BODY_MAX:
            return self._refuse(413)
        body = self.rfile.read(int(length))
        if len(body) == int(length):
            call = Call(self.command, self.path, self.headers, body, self.client_address)
            self._send(self.server.service.handle(call))

    do_GET = do_PUT = do_POST = do_DELETE = _serve

    def _refuse(self, status):
        self.close_connection = True
        self._send(Answer(status))

    def _send(self, answer):
        self.server.stopping.wait(answer.delay_s)
        if answer.wire == "hang":
            self.server.stopping.wait()
        if answer.wire != "whole":
            self.close_connection = True
        if not answer.is_sent or self.server.stopping.is_set():
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        self.send_header("Date", formatdate(self.server.clock.now(), usegmt=True))
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body if answer.wire == "whole" else answer.body[:len(answer.body) // 2])

    def log_message(self, *_):
        pass


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients that hang up or distrust a certificate are the tests' business; anything else is a bug: told."""
        import sys
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)


class Server:
    """A service on a port. After stop() the port refuses connections; start() takes the same port again."""

    def __init__(self, service, clock, host="127.0.0.1", port=0, tls_cert=None, tls_key=None):
        self.service, self.clock, self.host, self.port = service, clock, host, port
        self.tls = None
        if tls_cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(tls_cert, tls_key)
        self._http = None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def start(self):
        self._http = self._listen()
        self._http.service, self._http.clock, self._http.tls = self.service, self.clock, self.tls
        self._http.connections, self._http.stopping = set(), threading.Event()
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def _listen(self):
        """The port that it had before may meanwhile be that of somebody's connection, until that ends."""
        deadline = time.monotonic() + PORT_BACK_S
        while True:
            try:
                return _HTTPServer((self.host, self.port), _Handler)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self):
        if self._http:
            self._http.stopping.set()
            self._http.shutdown()
            self._http.server_close()
            for connection in list(self._http.connections):  # kept-alive ones end too
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._http = None
