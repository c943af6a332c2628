"""What the Stripe stand-in knows: Stripe's objects as JSON by their ids, kept in a file when it shall outlive it."""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

_CARDS = "cards"  # numbers by payment method: a stand-in may know them


class Refused(Exception):
    """An answer that is an error of Stripe's."""

    def __init__(self, status: int, kind: str, message: str, **members: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"type": kind, "message": message, **members}}


def invalid(message: str, code: str | None = None, *, status: int = 400) -> Refused:
    """A request that makes no sense."""
    return Refused(status, "invalid_request_error", message, **({"code": code} if code else {}))


class Store:
    """Objects, and what happened to them.

    Args:
        file: Where they are kept between runs; None keeps them in memory.
        tell: Told of each event.
    """

    def __init__(self, file: Path | None = None, tell: Callable[[Json], None] = lambda _: None) -> None:
        self._file = file
        self._tell = tell
        kept: Json = json.loads(file.read_text()) if file is not None and file.exists() else {}
        self.objects: dict[str, Json] = kept.get("objects", {})
        self.answers: dict[str, Json] = kept.get("answers", {})
        self.cards: dict[str, str] = kept.get(_CARDS, {})

    def save(self) -> None:
        """Keep everything, whole or not at all."""
        if self._file is None:
            return
        written = self._file.with_suffix(".new")
        kept = {"objects": self.objects, "answers": self.answers, _CARDS: self.cards}
        written.write_text(json.dumps(kept))
        written.replace(self._file)

    def add(self, kind: str, prefix: str, **fields: object) -> Json:
        """A new object of a kind."""
        made: Json = {
            "id": f"{prefix}_{secrets.token_hex(12)}",
            "object": kind,
            "created": int(time.time()),
            "livemode": False,
            **fields,
        }
        self.objects[made["id"]] = made
        return made

    def find(self, kind: str, object_id: str) -> Json:
        """An object by its id. Raises Refused."""
        found = self.objects.get(object_id)
        if found is None or found["object"] != kind:
            raise invalid(f"No such {kind}: '{object_id}'", "resource_missing", status=404)
        return found

    def every(self, kind: str, **equal: object) -> Iterator[Json]:
        """Objects of a kind whose fields are these, the newest first."""
        for found in reversed([*self.objects.values()]):
            if found["object"] == kind and all(found.get(name) == value for name, value in equal.items()):
                yield found

    def happened(self, event_type: str, about: Json) -> None:
        """Note an event about an object as it is now, and tell of it."""
        event = self.add("event", "evt", type=event_type, data={"object": json.loads(json.dumps(about))})
        self._tell(event)


def fingerprint(method: str, path: str, parameters: Json) -> str:
    """What makes two requests the same."""
    return hashlib.sha256(json.dumps([method, path, parameters], sort_keys=True).encode()).hexdigest()


def page(found: Iterator[Json], parameters: Json, path: str) -> Json:
    """A list as Stripe shows it: `limit`, `starting_after`, `created[gte]`."""
    since = int(parameters.get("created", {}).get("gte", 0))
    entries = [each for each in found if each["created"] >= since]
    after = parameters.get("starting_after")
    if after is not None:
        entries = entries[[each["id"] for each in entries].index(after) + 1 :]
    limit = int(parameters.get("limit", 10))
    return {"object": "list", "url": path, "data": entries[:limit], "has_more": len(entries) > limit}
