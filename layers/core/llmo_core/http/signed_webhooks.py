"""What entry points of signed webhooks have in common: the bytes that are signed, headers, and refusals.

They know API Gateway's proxy events alone: a webhook needs no framework, and its cold start is short without one.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from llmo_core.errors import LlmoError

type Event = Mapping[str, Any]
type Statuses = Sequence[tuple[type[LlmoError], HTTPStatus]]


def raw_body(event: Event, *, largest: int, too_large: type[LlmoError], malformed: type[LlmoError]) -> bytes:
    """The bytes that are signed, `largest` of them at most. Raises `too_large`, `malformed`."""
    body = event.get("body") or ""
    if len(body) > largest * 2:  # however it is encoded
        raise too_large
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise malformed from error
    if len(raw) > largest:
        raise too_large
    return raw


def only_header(event: Event, name: str) -> str | None:
    """A header by its name in lower case; several are as good as none."""
    headers: Mapping[str, Sequence[str]] = event.get("multiValueHeaders") or {}
    found = [value for given, values in headers.items() if given.lower() == name for value in values]
    return found[0] if len(found) == 1 else None


def taken() -> dict[str, Any]:
    """The answer to what is kept."""
    return {"statusCode": HTTPStatus.OK, "headers": {"content-type": "application/json"}, "body": "{}"}


def refused(error: LlmoError, statuses: Statuses) -> dict[str, Any] | None:
    """The answer (RFC 9457) to what is refused, by the first kind that fits; None where none does."""
    status = next((status for kind, status in statuses if isinstance(error, kind)), None)
    if status is None:
        return None
    problem = {
        "type": f"urn:llmo:problem:{error.code}",
        "title": status.phrase,
        "status": status,
        "detail": error.detail,
    }
    headers = {"content-type": "application/problem+json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(problem)}
