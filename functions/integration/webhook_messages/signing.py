"""Signed messages as Standard Webhooks has them.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from llmo_core.clock import rfc3339

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - not a secret
SECRET_BYTES: Final = 32  # the specification wants 24 to 64


def secret_text(random: bytes) -> str:
    """A signing secret as its receiver is given it."""
    return SECRET_PREFIX + b64encode(random).decode()


def body_of(event_type: str, happened_at: datetime, data: Mapping[str, Any]) -> str:
    """What is sent, in ASCII, and signed as it is; the moment is that of the event and not that of an attempt."""
    message = {"type": event_type, "timestamp": rfc3339(happened_at), "data": data}
    return json.dumps(message, separators=(",", ":"))


def signed_headers(message_id: str, body: bytes, secrets: Sequence[str], *, now: datetime) -> dict[str, str]:
    """The headers of one attempt, with a signature under each secret: during a rotation there are two."""
    timestamp = str(int(now.astimezone(UTC).timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
