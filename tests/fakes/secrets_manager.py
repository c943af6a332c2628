"""A stand-in for Secrets Manager's GetSecretValue over HTTP.

It lacks every other operation, versions and binary secrets; signatures are not checked (a unit test compares those
with botocore's).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class FakeSecretsManager:
    """Where it listens, and what it holds."""

    url: str
    secrets: dict[str, str]


@contextmanager
def running_secrets_manager(secrets: dict[str, str]) -> Iterator[FakeSecretsManager]:
    """A fake that listens on a free port, in a thread of its own: secrets are read with blocking calls."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            value = secrets.get(request["SecretId"])
            if self.headers["x-amz-target"] != "secretsmanager.GetSecretValue" or value is None:
                self._answer(400, {"__type": "ResourceNotFoundException"})
            else:
                self._answer(200, {"Name": request["SecretId"], "SecretString": value})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield FakeSecretsManager(f"http://127.0.0.1:{server.server_port}", secrets)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
