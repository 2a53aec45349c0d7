"""A page of metrics that a test writes, served over HTTP or on a unix socket.

    with Page() as page:
        page.text = "app_timeouts_total 3\n";  page.url
    with Page(directory) as page: ...                  on a unix socket in that directory
    Page(workers=2): each connection gets the next one's page: page.texts[0], page.texts[1]
"""
import http.server
import itertools
import os
import socketserver
import threading

from ports import free_port


class Page:
    def __init__(self, directory=None, workers=1):
        self.texts, self.status, self.asked = [""] * workers, 200, 0
        self._turn = itertools.cycle(range(workers))
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page.asked += 1
                body = page.texts[next(page._turn)].encode()
                self.send_response(page.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self):
                return "client"

            def log_message(self, *_):
                pass

        if directory:
            self.socket = os.path.join(directory, "app.sock")
            self.url = f"http://unix:{self.socket}:/metrics"
            self._server = socketserver.ThreadingUnixStreamServer(self.socket, Handler)
        else:
            self.port = free_port()
            self.url = f"http://127.0.0.1:{self.port}/metrics"
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True

    @property
    def text(self):
        return self.texts[0]

    @text.setter
    def text(self, text):
        self.texts[0] = text

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
