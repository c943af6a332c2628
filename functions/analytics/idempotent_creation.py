"""Creating things once in MongoDB: the id of what a request makes is derived from its `Idempotency-Key`.

There is no transaction that the answer could be kept in beside the thing. So the thing itself is the record: a
repetition derives the same id, finds it, and shows it as it is now. That holds for as long as it is there.
"""

import hashlib
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Depends, Header, Request, Response

from analytics.creations import Creation, Made
from llmo_auth.guard import authenticated
from llmo_auth.idempotency_keys import (
    HEADER,
    REPLAY_HEADER,
    REPLAYED,
    RESPONSES,
    check,
)
from llmo_core.ids import new_id

_NAMESPACE = UUID("0198b1f4-6c00-7000-8000-00000000ce01")
_DESCRIPTION = (
    "Any text of the client's own, new for each request that is not a repetition. A repetition under the same key "
    f"makes nothing new: it gets what the first one made and the header `{REPLAY_HEADER}: true`, while that is there."
)


async def _creation(
    request: Request, key: Annotated[str | None, Header(alias=HEADER, description=_DESCRIPTION)] = None
) -> Creation:
    """What this request is to make. Raises MalformedIdempotencyKey, Unauthenticated."""
    if key is None:
        return Creation(new_id(), None)
    check(key)
    principal = await authenticated(request)
    where = f"{request.method} {request.url.path}"
    body = hashlib.sha256(await request.body()).hexdigest()
    return Creation(
        uuid5(_NAMESPACE, f"{principal.org_id} {principal.actor_id} {where} {key}"),
        hashlib.sha256(f"{where}?{request.url.query} {body}".encode()).hexdigest(),
    )


type Creating = Annotated[Creation, Depends(_creation)]
"""What a POST is to make."""


def creation_responses(status: int) -> dict[int | str, dict[str, Any]]:
    """What a POST documents that makes something, answering with this status."""
    return {**RESPONSES, status: {"headers": dict(REPLAYED)}}


def said[T](made: Made[T], response: Response) -> T:
    """What was made; the response tells when that was at an earlier request."""
    if made.repeated:
        response.headers[REPLAY_HEADER] = "true"
    return made.thing
