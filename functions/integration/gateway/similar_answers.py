"""Answers of a project by what was asked, in Redis; the scripts that admit and settle calls write them.

`{org_ref}:sem:<project>:<bucket>` is a string of records (integration.gateway.similarity), the newest first, one of a
message: `…:of:<bucket>:<message>` is the id of its entry.
`…:e:<id>` is the hash of one entry: its `vector`, `wording`, the digest of its `message` and of the call that it
answers (`answer`, where the exact cache has it), its `bucket`, and the messages that it `met`. `…:apart:<message>` are
the messages that somebody told apart from one. All lie under the organization's tag and the id of the key's project,
which no call can name: none reaches another tenant's.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from integration.gateway.models import CachedAnswer
from integration.gateway.similarity import Vector
from integration.gateway.sought import Candidate
from integration.gateway.store import Script, decode_answer, decode_wording, fail_closed
from llmo_data.pipelined_redis import PipelinedRedis

_APART_MS: Final = 30 * 86_400_000
_FIELDS: Final = ("vector", "wording", "message", "answer")


class RedisSimilarAnswers:
    """Answers by what was asked."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis
        self._dispute = Script(redis, "dispute")

    async def candidates(
        self, org_ref: str, project_id: UUID, entries: Sequence[UUID], *, asked: bytes
    ) -> Sequence[Candidate]:
        """Those of the entries that there still are, and that nobody told apart from the message that is asked."""
        of_project = _of_project(org_ref, project_id)
        with fail_closed():
            apart, *found = await asyncio.gather(
                self._redis.call("SMEMBERS", f"{of_project}apart:{asked.hex()}"),
                *(self._redis.call("HMGET", f"{of_project}e:{entry.hex}", *_FIELDS) for entry in entries),
            )
        candidates = [
            _candidate(entry, fields) for entry, fields in zip(entries, found, strict=True) if None not in fields
        ]
        return [candidate for candidate in candidates if candidate.digest not in apart]

    async def answer(self, org_ref: str, project_id: UUID, digest: str) -> CachedAnswer | None:
        """The stored answer to a call."""
        with fail_closed():
            stored = await self._redis.call("GET", f"{{{org_ref}}}:cache:{project_id}:{digest}")
        return None if stored is None else decode_answer(stored)

    async def dispute(self, org_ref: str, project_id: UUID, entry: UUID) -> bool:
        """Forget an entry, and set its message apart for thirty days from those that it was matched with."""
        with fail_closed():
            found = await self._dispute([f"{_of_project(org_ref, project_id)}e:{entry.hex}"], (entry.bytes, _APART_MS))
        return bool(found)


def _of_project(org_ref: str, project_id: UUID) -> str:
    return f"{{{org_ref}}}:sem:{project_id}:"


def _candidate(entry: UUID, fields: Sequence[Any]) -> Candidate:
    vector, wording, message, answer = fields
    return Candidate(entry, Vector(vector), decode_wording(wording), message, answer.decode())
