"""A stand-in for Secrets Manager's GetSecretValue and PutSecretValue over HTTP, and for EventBridge's PutEvents.

It lacks every other operation, versions and binary secrets, rules and targets; signatures are not checked (a unit test
compares those with botocore's).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class FakeSecretsManager:
    """Where it listens, what it holds, and the envelopes of the events that were put."""

    url: str
    secrets: dict[str, str]
    events: list[dict[str, Any]] = field(default_factory=list)

    def events_of(self, org_id: object) -> list[dict[str, Any]]:
        """One organization's envelopes, in the order of their arrival."""
        return [event for event in self.events if event.get("orgid") == str(org_id)]


@contextmanager
def running_secrets_manager(secrets: dict[str, str]) -> Iterator[FakeSecretsManager]:
    """A fake that listens on a free port, in a thread of its own: secrets are read with blocking calls."""

    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            operation = self.headers["x-amz-target"]
            if operation == "AWSEvents.PutEvents":
                events.extend(json.loads(entry["Detail"]) for entry in request["Entries"])
                self._answer(200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]})
            elif operation == "secretsmanager.GetSecretValue" and request["SecretId"] in secrets:
                name = request["SecretId"]
                self._answer(200, {"Name": name, "SecretString": secrets[name]})
            elif operation == "secretsmanager.PutSecretValue" and request["SecretId"] in secrets:
                secrets[request["SecretId"]] = request["SecretString"]
                self._answer(200, {"Name": request["SecretId"], "VersionId": request["ClientRequestToken"]})
            else:
                self._answer(400, {"__type": "ResourceNotFoundException"})

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
        yield FakeSecretsManager(f"http://127.0.0.1:{server.server_port}", secrets, events)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
