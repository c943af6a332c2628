"""What an event has somebody be told."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from notification.kinds.models import Fact
from notification.kinds.telling import Data, Telling
from notification.kinds.tellings import TELLINGS


class Unreadable(ValueError):
    """An event lacks something, or has it in another shape."""


def facts_of(event_type: str, event_id: UUID, data: Data) -> Sequence[Fact]:
    """What an event has somebody be told. Raises Unreadable."""
    try:
        return [
            Fact(
                kind=telling.kind,
                audience=telling.audience(data),
                variables={name: data[source] for name, source in telling.fields.items()},
                dedupe_key=_key(telling, event_id, data),
                asked_by=data[telling.asker] if telling.asker is not None else None,
            )
            for telling in TELLINGS.get(event_type, ())
            if telling.when(data)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{event_type}: {error!r}") from error


def _key(telling: Telling, event_id: UUID, data: Data) -> str:
    if not telling.once:
        return f"event:{event_id}:{telling.kind}"
    parts = "\n".join(str(data[name]) for name in telling.once)
    return f"{telling.kind}:{hashlib.sha256(parts.encode()).hexdigest()[:32]}"
