"""Finding an answered call that means the same: by the vectors of both messages, then by what their spelling says."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from integration.gateway.errors import StoreUnavailable
from integration.gateway.facts import agree
from integration.gateway.flight import Flight
from integration.gateway.models import CachedAnswer
from integration.gateway.ports import Embedder, SimilarAnswers
from integration.gateway.similarity import Vector, cosine, nearest
from integration.gateway.sought import Candidate, Match, Sought

_LOOKED_AT: Final = 4  # of a bucket's entries

type Found = tuple[Match | None, CachedAnswer | None]
"""The call that means the same, and its answer where that is given."""

_NOTHING: Final[Found] = (None, None)


class Matching:
    """Looks for calls with the same meaning. Whatever does not work is nothing found: the call goes on as a miss."""

    def __init__(self, *, embedder: Embedder, answers: SimilarAnswers) -> None:
        self._embedder = embedder
        self._answers = answers

    def begun(self, flight: Flight) -> Flight:
        """The call, whose last message is being embedded: what is stored of it needs its vector, found or not."""
        sought, target = flight.call.cache.sought, flight.embedder
        if sought is None or target is None:
            return flight
        return replace(
            flight, embedding=asyncio.create_task(self._embedder.embed(flight.key.org_ref, target, sought.text))
        )

    async def found(self, flight: Flight) -> Found:
        """What means the same as a call that has begun to look.

        Where nothing was stored yet, nobody waits for the embedding.
        """
        sought = flight.call.cache.sought
        if sought is None or flight.embedding is None or not flight.admission.bucket:
            return _NOTHING
        embedded = await asyncio.shield(flight.embedding)
        if embedded is None:
            return _NOTHING
        try:
            return await self._match(flight, sought, embedded.vector)
        except StoreUnavailable:
            return _NOTHING

    async def _match(self, flight: Flight, sought: Sought, vector: Vector) -> Found:
        org_ref, project_id = flight.key.org_ref, flight.admission.key.project_id
        near = [UUID(bytes=name) for name in nearest(flight.admission.bucket, vector.signs, _LOOKED_AT)]
        if not near:
            return _NOTHING
        candidates = await self._answers.candidates(org_ref, project_id, near, asked=sought.digest)
        best = _best(sought, vector, candidates)
        if best is None:
            return _NOTHING
        candidate, similarity = best
        match = Match(candidate.entry, round(similarity, 4), sought.answers)
        if not sought.answers:
            return match, None
        answer = await self._answers.answer(org_ref, project_id, candidate.answer)
        return _NOTHING if answer is None else (match, answer)


def _best(sought: Sought, vector: Vector, candidates: Sequence[Candidate]) -> tuple[Candidate, float] | None:
    """The nearest candidate that passes, and how near it is."""
    passing = [
        (candidate, similarity)
        for candidate in candidates
        if agree(sought.wording, candidate.wording)
        and (similarity := cosine(vector, candidate.vector)) >= sought.threshold
    ]
    return max(passing, key=lambda found: found[1], default=None)
