"""The stand-in as a program. Runs until SIGTERM or SIGINT."""
import argparse
import calendar
import json
import os
import signal
import time

from .standin import ACCESS_KEY, SECRET_KEY, Standin


def parse():
    parser = argparse.ArgumentParser(prog="aws_standin", description="A CloudWatch for tests; see control.py's paths.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT", help="port 0: any")
    parser.add_argument("--port-file", help="written when connections are taken; without it the URL goes to stdout")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--credentials", metavar="FILE",
                        help="JSON: a list of {AccessKeyId, SecretAccessKey, SessionToken?, Expiration?}")
    parser.add_argument("--access-key", default=ACCESS_KEY)
    parser.add_argument("--secret-key", default=SECRET_KEY)
    parser.add_argument("--session-token")
    parser.add_argument("--region", help="refuse any other; default: take all")
    parser.add_argument("--log", help="one line a request")
    return parser.parse_args()


def add_keys(standin, path):
    with open(path, encoding="utf-8") as file:
        for row in json.load(file):
            expiry = row.get("Expiration")
            standin.add_key(row["AccessKeyId"], row["SecretAccessKey"], row.get("SessionToken"),
                            calendar.timegm(time.strptime(expiry, "%Y-%m-%dT%H:%M:%SZ")) if expiry else None)


def announce(standin, path):
    if not path:
        print(standin.url, flush=True)
        return
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"{standin.port}\n")
    os.replace(path + ".new", path)


def main():
    options = parse()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    host, _, port = options.listen.rpartition(":")
    with Standin(host, int(port), options.tls_cert, options.tls_key, options.access_key, options.secret_key,
                 options.session_token, options.region, options.log) as standin:
        if options.credentials:
            add_keys(standin, options.credentials)
        announce(standin, options.port_file)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
