"""Signed calls to AWS without an SDK: importing one takes longer than whoever calls should have to wait."""

import asyncio
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Final

from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import SystemClock

_TIMEOUT_SECONDS: Final = 5.0


async def post(service: JsonService, operation: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer; those of 400 and more are refusals. Raises OSError where there is none."""
    return await asyncio.to_thread(_post, service, operation, body)


def _post(service: JsonService, operation: str, body: bytes) -> tuple[int, bytes]:
    now = SystemClock().now()
    headers = service.sign(operation, body, credentials=Credentials.from_environment(), now=now)
    call = urllib.request.Request(  # noqa: S310 - the URL is AWS's own or the operator's AWS_ENDPOINT_URL
        f"{service.endpoint}/", data=body, headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(call, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            return HTTPStatus.OK, answer.read()
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            return error.code, error.read()
