"""A certificate authority of our own, and a certificate from it."""
import os
import subprocess


def make_certificates(directory, alternative_names="IP:127.0.0.1,DNS:localhost", clock=None):
    """Paths of the authority's certificate, the server's certificate and its key.

    clock: an environment in which the clock is wrong: for certificates that are valid since yesterday.
    """
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    certificate, key, request = (directory / name for name in ("server.pem", "server.key", "server.csr"))
    names = directory / "names"
    names.write_text(f"subjectAltName={alternative_names}\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl(clock, "req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=poolwarden's tests")
    _openssl(clock, "req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=server")
    _openssl(clock, "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", certificate,
             "-days", "2", "-extfile", names)
    return ca, certificate, key


def _openssl(clock, *arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, env={**os.environ, **(clock or {})})
