"""Secrets, read from AWS Secrets Manager when a process starts.

The environment of a function holds the names of its secrets, never their values.
"""

import json
import urllib.error
import urllib.request
from functools import cache

from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import SystemClock
from llmo_core.errors import Unavailable

_TIMEOUT_SECONDS = 10.0


class SecretUnavailable(Unavailable):
    """A secret that this function needs cannot be read."""


@cache
def read_secret(secret_id: str) -> str:
    """The plain value of a secret, fetched once per process.

    It blocks, and is meant for a process's start, where nothing else runs yet. Raises SecretUnavailable; the value
    never appears in an error or a log.
    """
    service = JsonService.from_environment("secretsmanager", "secretsmanager")
    body = json.dumps({"SecretId": secret_id}).encode()
    headers = service.sign("GetSecretValue", body, credentials=Credentials.from_environment(), now=SystemClock().now())
    request = urllib.request.Request(  # noqa: S310 - the URL is AWS's own or the operator's AWS_ENDPOINT_URL
        f"{service.endpoint}/", data=body, headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            return str(json.loads(response.read())["SecretString"])
    except (urllib.error.URLError, TimeoutError, KeyError) as error:
        raise SecretUnavailable(f"The secret {secret_id} cannot be read ({type(error).__name__})") from error
