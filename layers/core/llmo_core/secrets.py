"""Secrets, read from AWS Secrets Manager when a process starts.

The environment of a function holds the names of its secrets, never their values.
"""

import json
import urllib.error
import urllib.request
from functools import cache
from typing import Any

from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import SystemClock
from llmo_core.errors import Unavailable
from llmo_core.ids import new_id_text

_TIMEOUT_SECONDS = 10.0


class SecretUnavailable(Unavailable):
    """A secret that this function needs cannot be read."""


@cache
def read_secret(secret_id: str) -> str:
    """The plain value of a secret, fetched once per process.

    It blocks, and is meant for a process's start, where nothing else runs yet. Raises SecretUnavailable; the value
    never appears in an error or a log.
    """
    return fetch_secret(secret_id)


def fetch_secret(secret_id: str) -> str:
    """The plain value of a secret as it is now, for one that changes while a process lives. Else as `read_secret`."""
    return str(_call("GetSecretValue", {"SecretId": secret_id})["SecretString"])


def write_secret(secret_id: str, value: str) -> None:
    """Give a secret a new value. It blocks, and raises SecretUnavailable."""
    # The token makes a repetition of this very call harmless, as Secrets Manager demands of every client.
    _call("PutSecretValue", {"SecretId": secret_id, "SecretString": value, "ClientRequestToken": new_id_text()})


def _call(operation: str, request: dict[str, str]) -> dict[str, Any]:
    service = JsonService.from_environment("secretsmanager", "secretsmanager")
    body = json.dumps(request).encode()
    headers = service.sign(operation, body, credentials=Credentials.from_environment(), now=SystemClock().now())
    call = urllib.request.Request(  # noqa: S310 - the URL is AWS's own or the operator's AWS_ENDPOINT_URL
        f"{service.endpoint}/", data=body, headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(call, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            answer: dict[str, Any] = json.loads(response.read())
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        kind = type(error).__name__
        raise SecretUnavailable(f"{operation} of the secret {request['SecretId']} failed ({kind})") from error
    return answer
