"""Push notifications as every provider of them needs them."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import aiohttp
from aiohttp import ClientConnectorError, ConnectionTimeoutError

from notification.contents import PushContent
from notification.delivery.ports import Failed, Outgoing, Refused
from notification.providers.answers import not_heard, not_reached

LONGEST_LIFE: Final = timedelta(days=28)
"""What push services keep a notification for at most: four weeks, all of them."""
_NOT_A_PUSH: Final = Refused("The message is no push notification.")
_NO_DEVICE: Final = Refused("The address is no device of this provider's.", gone=True)


def push_of(message: Outgoing, kind: str) -> tuple[PushContent, dict[str, Any]] | Refused:
    """What a message says, and the device that it goes to; or why it is none of this kind."""
    if not isinstance(message.content, PushContent):
        return _NOT_A_PUSH
    try:
        device = json.loads(message.address)
    except ValueError:
        return _NO_DEVICE
    if not isinstance(device, dict) or device.get("kind") != kind:
        return _NO_DEVICE
    return message.content, device


def seconds(time_to_live: timedelta) -> int:
    """How long a push service may keep it."""
    return int(min(max(time_to_live, timedelta()), LONGEST_LIFE).total_seconds())


def collapse_key(message_id: UUID) -> str:
    """Of messages with the same one a device shows the last: what is sent twice is shown once (RFC 8030, 5.4)."""
    return urlsafe_b64encode(message_id.bytes).decode().rstrip("=")


def shortened(text: str, most_bytes: int) -> str:
    """A text that has no more bytes than that, with an ellipsis where it was cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most_bytes:
        return text
    return encoded[: max(most_bytes - 3, 0)].decode(errors="ignore") + "…"


def broken(error: Exception) -> Failed:
    """Whether a call without an answer can have arrived: not when there was no connection."""
    unconnected = isinstance(error, ClientConnectorError | ConnectionTimeoutError | aiohttp.InvalidURL)
    return not_reached(error) if unconnected else not_heard(error)
