"""Handing lines over to their provider as one batch of its own, and taking back what became of them.

The provider's ids are kept before anything else is done with them. A worker that died in between finds its file in the
provider's list of batches, and makes no second batch of it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import batched
from typing import Final

import orjson

from integration.gateway.deferral.gathering import all_of
from integration.gateway.deferral.holding import Held, Holding
from integration.gateway.deferral.models import Batch, Json, Line, Outcome, ProviderBatch, Status, batch_name
from integration.gateway.deferral.outcomes import CANCELLED, EXPIRED, not_made, on_one_line
from integration.gateway.deferral.ports import ProviderApi, ProviderBatches, Waiting
from integration.gateway.deferral.returning import Returning
from integration.gateway.deferral.stored_targets import kept
from integration.gateway.destinations import Connection
from integration.gateway.errors import (
    ConfigurationChanged,
    UpstreamError,
    UpstreamMisconfigured,
    UpstreamRefused,
)
from integration.gateway.journey import again
from integration.gateway.ports import Organizations
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger

_ENDED: Final = frozenset(("completed", "failed", "expired", "cancelled"))
_STOPPED: Final = frozenset(("expired", "cancelled"))
_NOT_FOUND: Final = 404
_STATUSES: Final = range(200, 600)
_TOGETHER: Final = 8
_BYTES_TOGETHER: Final = 4_000_000  # reading them takes several times as much
_NESTED: Final = "The model provider's answer is nested too deeply."


class ConnectionGone(UpstreamMisconfigured):
    """The organization has removed the connection to the provider."""


class Providing:
    """Hands lines over, and takes them back.

    Args:
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        api: ProviderApi,
        provider_batches: ProviderBatches,
        lines: Waiting,
        holding: Holding,
        returning: Returning,
        organizations: Organizations,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._api = api
        self._kept = provider_batches
        self._lines = lines
        self._holding = holding
        self._returning = returning
        self._organizations = organizations
        self._clock = clock
        self._new_id = new_id
        self._timer = timer

    async def submit(self, batch: Batch, key: ApiKey, held: Sequence[Held]) -> None:
        """Hand held lines over, those for the same model of the same provider together."""
        together: dict[bytes, list[Held]] = {}
        for each in held:
            together.setdefault(orjson.dumps(kept(each.plan, each.terms)), []).append(each)
        for target, group in together.items():
            made = ProviderBatch(self._new_id(), orjson.loads(target))
            await self._kept.add(batch, made, [each.line for each in group], now=self._clock.now())
            await self._begin(batch, key, made)

    async def poll(self, batch: Batch, key: ApiKey, deadline: float) -> None:
        """Look at what providers have of a batch, and take back what has ended until a deadline (the timer's)."""
        for each in await self._kept.open(batch):
            if each.provider_batch_id is None:
                await self._begin(batch, key, each)
            else:
                await self._look_at(batch, key, each, each.provider_batch_id, deadline)

    async def stop(self, batch: Batch, key: ApiKey, deadline: float) -> bool:
        """Have providers stop; whether nothing is left there, and taken back until a deadline (the timer's)."""
        for each in await self._kept.open(batch):
            if each.provider_batch_id is None:
                await self._give_back(batch, key, each, alone=False)
            elif not await self._look_at(batch, key, each, each.provider_batch_id, deadline):
                await self._cancel(batch, key, each, each.provider_batch_id)
        return not await self._kept.open(batch)

    async def _begin(self, batch: Batch, key: ApiKey, begun: ProviderBatch) -> None:
        """Make the provider's batch, unless it was made before; a provider that takes none leaves its lines alone."""
        try:
            connection = await self._connection(key, begun)
            file_id, made = begun.file_id, None
            if file_id is None:
                file_id = await self._api.upload(connection, await self._content(batch, key, begun))
                await self._kept.note(batch, begun, file_id=file_id)
            else:
                made = await self._api.made_of(connection, file_id)
            if made is None:
                metadata = {"batch": batch_name(batch.id)}
                made = await self._api.create(connection, file_id, batch.endpoint, metadata)
            await self._kept.note(batch, begun, provider_batch_id=made)
        except ConfigurationChanged:
            await self._give_back(batch, key, begun, alone=False)  # to be held anew
        except UpstreamError as error:
            if again(error):
                _log("a provider's batch is to be made later", batch, error)
                return
            _log("a provider takes no batch", batch, error)
            await self._give_back(batch, key, begun, alone=True)

    async def _content(self, batch: Batch, key: ApiKey, begun: ProviderBatch) -> bytes:
        """The provider's file. Raises ConfigurationChanged where a line is held for what would not be sent any more."""
        written: list[bytes] = []
        for line in await self._kept.lines(batch, begun):
            body = orjson.Fragment(on_one_line(await self._returning.sent(batch, line, key, begun.target)))
            call = {"custom_id": line.call_id.hex, "method": "POST", "url": batch.endpoint, "body": body}
            written.append(orjson.dumps(call) + b"\n")
        return b"".join(written)

    async def _give_back(self, batch: Batch, key: ApiKey, begun: ProviderBatch, *, alone: bool) -> None:
        for line in await self._kept.lines(batch, begun):
            await self._holding.release(line, key)
        await self._kept.give_back(batch, begun, alone=alone, now=self._clock.now())

    async def _look_at(
        self, batch: Batch, key: ApiKey, begun: ProviderBatch, provider_id: str, deadline: float
    ) -> bool:
        """Take back what has ended; whether all of it has."""
        try:
            connection = await self._connection(key, begun)
            found = await self._api.find(connection, provider_id)
        except UpstreamError as error:
            if not _gone(error):
                _log("a provider's batch is to be looked at later", batch, error)
                return False
            return await self._end(batch, key, begun, {"status": "failed"}, deadline)
        if found.get("status") not in _ENDED:
            return False
        for name in ("output_file_id", "error_file_id"):
            file_id = found.get(name)
            if not isinstance(file_id, str) or not file_id:
                continue
            try:
                answers = self._api.lines(connection, file_id)
                if not await self._take_back(batch, key, begun, found, answers, deadline):
                    return False
            except UpstreamError as error:  # also one that it does not find: the answers in it may be paid for
                _log("a file of a provider's batch is to be read later", batch, error)
                return False
        return await self._end(batch, key, begun, found, deadline)

    async def _cancel(self, batch: Batch, key: ApiKey, begun: ProviderBatch, provider_id: str) -> None:
        try:
            await self._api.cancel(await self._connection(key, begun), provider_id)
        except UpstreamError as error:
            _log("a provider's batch is not cancelled", batch, error)

    async def _take_back(
        self,
        batch: Batch,
        key: ApiKey,
        begun: ProviderBatch,
        found: Json,
        answers: AsyncIterator[tuple[Json, int]],
        deadline: float,
    ) -> bool:
        """Decide the lines that are answered, as many at a time as there is memory for; False when time is up."""
        waiting = {line.call_id.hex: line for line in await self._kept.lines(batch, begun)}
        together: list[tuple[Line, Json]] = []
        size = 0
        async for answer, length in answers:
            custom_id = answer.get("custom_id")
            line = waiting.pop(custom_id, None) if isinstance(custom_id, str) else None
            if line is None:
                continue
            together.append((line, answer))
            size += length
            if len(together) < _TOGETHER and size < _BYTES_TOGETHER:
                continue
            await self._decide(batch, key, begun, found, together)
            together, size = [], 0
            if self._timer() >= deadline:
                return False
        await self._decide(batch, key, begun, found, together)
        return True

    async def _end(self, batch: Batch, key: ApiKey, begun: ProviderBatch, found: Json, deadline: float) -> bool:
        """Decide the lines without an answer; False when time is up."""
        for lines in batched(await self._kept.lines(batch, begun), _TOGETHER, strict=False):
            if self._timer() >= deadline:
                return False
            await self._decide(batch, key, begun, found, [(line, {}) for line in lines])
        await self._kept.note(batch, begun, ended_at=self._clock.now())
        return True

    async def _decide(
        self, batch: Batch, key: ApiKey, begun: ProviderBatch, found: Json, answers: Sequence[tuple[Line, Json]]
    ) -> None:
        outcomes = await all_of(self._outcome(batch, *each, key, begun, found) for each in answers)
        await self._lines.decide(batch, [(line, outcome) for (line, _), outcome in zip(answers, outcomes, strict=True)])

    async def _outcome(
        self, batch: Batch, line: Line, answer: Json, key: ApiKey, begun: ProviderBatch, found: Json
    ) -> Outcome:
        response = answer.get("response")
        if isinstance(response, dict) and response.get("status_code") in _STATUSES:
            try:
                body = orjson.dumps(response.get("body"))
            except orjson.JSONEncodeError:
                return await self._returning.fail(batch, line, key, begun.target, _NESTED)
            return await self._returning.settle(batch, line, key, begun.target, response["status_code"], body)
        if found["status"] not in _STOPPED:
            return await self._returning.fail(batch, line, key, begun.target, _failure(found))
        await self._holding.release(line, key)
        return not_made(line, CANCELLED if batch.status is Status.CANCELLING else EXPIRED)

    async def _connection(self, key: ApiKey, begun: ProviderBatch) -> Connection | None:
        name = begun.target["connection"]
        if name is None:
            return None
        connection = (await self._organizations.find(key.org_ref)).connections.get(name)
        if connection is None:
            raise ConnectionGone
        return connection


def _failure(found: Json) -> str:
    """What a provider says about a batch that failed."""
    errors = found.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else None
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    message = first.get("message")
    said = f": {message:.500}" if isinstance(message, str) else "."
    return f"The model provider's batch failed{said}"


def _gone(error: UpstreamError) -> bool:
    return isinstance(error, ConnectionGone) or (isinstance(error, UpstreamRefused) and error.status == _NOT_FOUND)


def _log(what: str, batch: Batch, error: UpstreamError) -> None:
    logger().warning(what, extra={"batch": batch_name(batch.id), "reason": repr(error)})
