"""A PostgreSQL whose password check is RDS' IAM token: it stands before a real server and passes on whoever is let in.

    with RdsIam(standin, server.socket, certificate, key) as rds:
        connect(host=rds.host, hostaddr="127.0.0.1", port=rds.port, sslmode="verify-full", password=token)
    rds.attempts        [Attempt], those that were refused, too
    rds.users           who has rds_iam; None: everybody

As on RDS with rds.force_ssl: TLS or nothing, then the password is asked for in clear text. It must be the token that
botocore makes of the same host, port, user, region, key and X-Amz-Date, 15 minutes old at most; a key that is expired
or unknown is refused, too. To the real server the proxy comes by its unix socket, which must trust it. Bytes are
copied from then on: BackendKeyData is the real server's, and so are all errors.
"""
import select
import socket
import socketserver
import ssl
import struct
import threading
from calendar import timegm
from dataclasses import dataclass
from time import strptime
from types import SimpleNamespace
from urllib.parse import parse_qsl

from botocore.auth import SigV4QueryAuth
from botocore.credentials import Credentials
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner, generate_db_auth_token

HOST = "orders.abcdefghijkl.eu-west-1.rds.amazonaws.com"
LIFETIME_S, AHEAD_MAX_S = 15 * 60, 5 * 60
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
STARTUP_MAX, PASSWORD_MAX = 10_000, 65_536
NOT_AUTHORIZED = "28000"  # what PostgreSQL gives for PAM; 28P01 is that of its own passwords


@dataclass
class Attempt:
    """refused: why, in our words; None when it was let in."""
    user: str
    database: str
    encrypted: bool
    token: str = None
    refused: str = None


class _SignedAt(SigV4QueryAuth):
    """botocore's signer of URLs, at a time that is given."""

    def __init__(self, credentials, region, stamp):
        super().__init__(credentials, "rds-db", region, expires=LIFETIME_S)
        self.stamp = stamp

    def add_auth(self, request):
        request.context["timestamp"] = self.stamp
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


class _Signer(RequestSigner):
    def __init__(self, key, region, stamp):
        self.emitter = HierarchicalEmitter()  # the base class holds it weakly
        credentials = Credentials(key.access_key, key.secret_key, key.session_token)
        super().__init__(ServiceId("RDS"), region, "rds-db", "v4", credentials, self.emitter)
        self.auth = _SignedAt(credentials, region, stamp)

    def get_auth_instance(self, *_, **__):
        return self.auth


def token_of(key, host, port, user, region, stamp):
    """botocore's token. stamp: 20260815T123600Z."""
    return generate_db_auth_token(SimpleNamespace(_request_signer=_Signer(key, region, stamp)), host, port, user, region)


class RdsIam:
    def __init__(self, standin, server_socket, certificate, key, host=HOST, region="eu-west-1", users=None):
        """server_socket: path of the real server's unix socket. certificate: of host."""
        self.standin, self.server_socket = standin, str(server_socket)
        self.host, self.region, self.users = host, region, users
        self.attempts = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)

    def __enter__(self):
        proxy = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self):
                proxy._serve(self.request)

        self._listener = _Listener(("127.0.0.1", 0), Connection)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown()
        self._listener.server_close()

    @property
    def admitted(self):
        return [attempt for attempt in self.attempts if attempt.refused is None and attempt.token is not None]

    # ---- one connection ----

    def _serve(self, client):
        try:
            client, startup, encrypted = self._negotiate(client)
            with client:
                if startup is not None and self._authenticate(client, startup, encrypted):
                    self._pass_on(client, startup)
        except (OSError, EOFError):  # clients that hang up are the tests' business
            pass

    def _negotiate(self, client):
        """The socket to go on with, the startup packet (None: there is nothing more to do), whether TLS is on."""
        encrypted = False
        while True:
            packet = _packet(client)
            code = struct.unpack_from("!I", packet, 4)[0]
            if code == SSL_REQUEST:
                client.sendall(b"S")
                client, encrypted = self._tls.wrap_socket(client, server_side=True), True
            elif code == GSS_REQUEST:
                client.sendall(b"N")
            elif code == CANCEL_REQUEST:
                with self._onward() as server:
                    server.sendall(packet)
                return client, None, encrypted
            else:
                return client, packet, encrypted

    def _authenticate(self, client, startup, encrypted):
        parameters = _parameters(startup)
        user, database = parameters["user"], parameters.get("database", parameters["user"])
        attempt = Attempt(user, database, encrypted)
        if not encrypted:
            attempt.refused = "no TLS"
            self.attempts.append(attempt)
            _refuse(client, f'no pg_hba.conf entry for host "127.0.0.1", user "{user}", database "{database}", '
                            "no encryption")
            return False
        client.sendall(b"R" + struct.pack("!II", 8, 3))
        attempt.token = _password(client)
        attempt.refused = self._why_not(attempt)
        self.attempts.append(attempt)
        if attempt.refused:
            _refuse(client, f'PAM authentication failed for user "{user}"')
        return attempt.refused is None

    def _why_not(self, attempt):
        given = _parse(attempt.token)
        scope = given.get("X-Amz-Credential", "").split("/")
        key, stamp = self.standin.keys.get(scope[0]), given.get("X-Amz-Date", "")
        now = self.standin.clock.now()
        if self.users is not None and attempt.user not in self.users:
            return "the role has no rds_iam"
        if key is None:
            return "no token" if len(given) < 2 else "unknown key"
        try:
            age_s = now - timegm(strptime(stamp, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            return "no date"
        if not -AHEAD_MAX_S <= age_s < LIFETIME_S:
            return f"{age_s:.0f} s old"
        if key.expires is not None and now >= key.expires:
            return "expired key"
        if given != _parse(token_of(key, self.host, self.port, attempt.user, self.region, stamp)):
            return "not the token"
        return None

    def _onward(self):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.server_socket)
        return server

    def _pass_on(self, client, startup):
        with self._onward() as server:
            server.sendall(startup)
            while True:
                waiting = [client] if client.pending() else select.select([client, server], [], [])[0]
                for source in waiting:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128


# ---- the protocol ----


def _exactly(client, size):
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _packet(client):
    """A packet of the start, which has no type: its length and what follows."""
    head = _exactly(client, 4)
    length = struct.unpack("!I", head)[0]
    if not 8 <= length <= STARTUP_MAX:
        raise EOFError
    return head + _exactly(client, length - 4)


def _parameters(startup):
    texts = startup[8:].decode().split("\0")
    return dict(zip(texts[0::2], texts[1::2]))


def _password(client):
    kind, length = struct.unpack("!cI", _exactly(client, 5))
    if kind != b"p" or not 5 <= length <= PASSWORD_MAX:
        raise EOFError
    return _exactly(client, length - 4).rstrip(b"\0").decode()


def _refuse(client, message):
    fields = {"S": "FATAL", "V": "FATAL", "C": NOT_AUTHORIZED, "M": message, "F": "auth.c", "L": "1", "R": "auth_failed"}
    body = "".join(f"{name}{value}\0" for name, value in fields.items()).encode() + b"\0"
    client.sendall(b"E" + struct.pack("!I", len(body) + 4) + body)


def _parse(token):
    """A token's parts; the order of its parameters does not matter, the case of its host neither."""
    place, _, query = token.partition("?")
    return {"": place.lower(), **dict(parse_qsl(query, keep_blank_values=True))}
