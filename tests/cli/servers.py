"""Servers that are no Airflow."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

_PAGE = b"<!doctype html><html><head><title>Welcome to nginx!</title></head><body>It works!</body></html>"


class _Pages(BaseHTTPRequestHandler):
    """Answers everything with a web page."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    do_POST = do_GET  # noqa: N815  the base class calls it so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as in the base class
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """Says nothing about clients that hang up because they do not like the certificate."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Do nothing."""


@contextmanager
def web_server(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve web pages, with TLS if there is a ``context``; yields the URL."""
    with _Server(("127.0.0.1", 0), _Pages) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a context with a certificate that nobody trusts; skips the test where openssl is not at hand."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    command = [openssl, "req", "-x509", *curve, *subject, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  a certificate for this test
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
