"""A real Prisma 7 application around the lines of the README, on packages out of npm (once, into .cache; 310 MB).

    with Application(directory, server.url("app"), statsd_port=port, log=["error"]) as application:
        told = application.ask(20, 3)         20 requests at once of 3 s each: how many were told that they waited too long
        application.metrics_url               its page, with app_db_pool_timeouts_total{pool="main"}
        application.log                       its output
        application.terminate()               its exit status
"""
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

import npm
from ports import free_port
from wait import wait_until

HERE = pathlib.Path(__file__).resolve().parent
README = (HERE.parents[1] / "README.md").read_text()
PACKAGES = {"prisma": "7.10.0", "@prisma/client": "7.10.0", "@prisma/adapter-pg": "7.10.0"}
SCHEMA = 'generator client {\n  provider = "prisma-client-js"\n}\ndatasource db {\n  provider = "postgresql"\n}\n' \
         'model Item {\n  id Int @id\n}\n'
CONFIG = 'import { defineConfig } from "prisma/config";\nexport default defineConfig({ schema: "schema.prisma", ' \
         'datasource: { url: "postgresql://a@b/c" } });\n'
# Nothing is downloaded: no schema engine, no notice of newer versions.
OFFLINE = {"PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true", "CHECKPOINT_DISABLE": "1", "PRISMA_HIDE_UPDATE_MESSAGE": "1"}


def recipe(language):
    return re.search(rf"```{language}\n(.*?)```", README.split("\n## Your pool\n", 1)[1], re.DOTALL).group(1)


def modules():
    """The directory node_modules with a generated client."""
    return npm.modules("prisma", PACKAGES, _generate)


def _generate(place):
    (place / "schema.prisma").write_text(SCHEMA)
    (place / "prisma.config.ts").write_text(CONFIG)
    npm.run(place, "npx", "--no-install", "prisma", "generate", env={**os.environ, **OFFLINE})


class Application:
    def __init__(self, directory, url, statsd_port, max_size=2, timeout_ms=1000, log=(), json_log=False):
        self.port = free_port()
        self.metrics_url = f"http://127.0.0.1:{self.port}/metrics"
        self.log = directory / "app.log"
        self.log.touch()
        lines = recipe("js")
        for before, after in (("max: 10", f"max: {max_size}"), ("connectionTimeoutMillis: 2000", f"connectionTimeoutMillis: {timeout_ms}"),
                              ("8125", str(statsd_port)), ("PrismaClient({", f"PrismaClient({{ log: {json.dumps(list(log))},")):
            assert before in lines
            lines = lines.replace(before, after)
        (directory / "recipe.js").write_text(lines)
        self._environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(modules()), "DATABASE_URL": url,
                             "RECIPE": str(directory / "recipe.js"), "PORT": str(self.port),
                             "JSON_LOG": "yes" if json_log else ""}

    def __enter__(self):
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(["node", HERE / "prisma_app.js"], env=self._environment, stdout=log,
                                             stderr=log, stdin=subprocess.DEVNULL)
        wait_until(lambda: b"listening" in self.log.read_bytes(), 20, what=lambda: self.log.read_text())
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def terminate(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(15)

    def ask(self, requests, seconds):
        def one(_):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/slow?s={seconds}", timeout=60):
                    return False
            except urllib.error.HTTPError as error:
                text = error.read().decode()
                assert "timeout exceeded when trying to connect" in text, text
                return True

        with concurrent.futures.ThreadPoolExecutor(requests) as pool:
            return sum(pool.map(one, range(requests)))
