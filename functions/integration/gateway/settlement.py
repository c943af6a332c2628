"""The end of calls in Redis: one script releases the hold, charges, journals and stores, all or nothing."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from integration.gateway.alerts import alert_in_envelope
from integration.gateway.errors import StoreUnavailable
from integration.gateway.flight import Flight
from integration.gateway.models import CachedAnswer, Journaled
from integration.gateway.similarity import Vector
from integration.gateway.store import Script, encode_answer, encode_wording, fail_closed, milliseconds
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_data.pipelined_redis import Argument, PipelinedRedis
from llmo_messaging.envelope import Envelope

_PAUSES: Final = (0.02, 0.2)  # seconds before the second and the third attempt


class RedisSettlements:
    """Settles calls and keeps the journal of usage events.

    Args:
        cache_seconds: How long answers are kept.
    """

    def __init__(self, redis: PipelinedRedis, *, clock: Clock, cache_seconds: float = 86_400) -> None:
        self._redis = redis
        self._clock = clock
        self._cache_ms = int(cache_seconds * 1000)
        self._settle = Script(redis, "settle")
        self._journal = Script(redis, "journal")

    async def settle(
        self,
        flight: Flight,
        *,
        cost_pico: int,
        tokens: int,
        event: Envelope,
        store: CachedAnswer | None,
        vector: Vector | None = None,
    ) -> Sequence[Journaled] | None:
        """End an admitted call and journal its event and the alerts that it set off.

        With a vector, the stored answer may do for calls with the same meaning, too.
        Gives what was journaled, or None when it was settled before.
        """
        return await self.settle_hold(
            flight.key.org_ref,
            flight.hold.event_id,
            cost_pico=cost_pico,
            tokens=tokens,
            event=event,
            cache_name=f"{flight.admission.key.project_id}:{flight.call.cache_digest}",
            stored=b"" if store is None else encode_answer(store),
            stored_ms=_milliseconds(flight.call.cache.seconds),
            form_digest=flight.call.cache.form_digest,
            similar=_similar(flight, vector),
        )

    async def settle_hold(
        self,
        org_ref: str,
        hold_id: UUID,
        *,
        cost_pico: int,
        tokens: int,
        event: Envelope | None,
        cache_name: str = "",
        stored: bytes = b"",
        stored_ms: int | None = None,
        form_digest: str = "",
        similar: tuple[Argument, ...] = (),
    ) -> Sequence[Journaled] | None:
        """End the call that this hold was for; the sweeper calls this for calls that nobody ended.

        A fault is tried again, on a new connection: settling twice has no effect.
        """
        tag = f"{{{org_ref}}}"
        keys = [f"{tag}:hold:{hold_id}", f"{tag}:holds", f"{tag}:usage", f"{tag}:cache:{cache_name}"]
        now = milliseconds(self._clock.now())
        text = event.to_json() if event else b""
        stored_ms = stored_ms or self._cache_ms
        arguments = (str(hold_id), cost_pico, tokens, text, now, stored, stored_ms, form_digest, *similar)
        for pause in _PAUSES:
            try:
                return _journaled(await self._run(keys, arguments), event)
            except StoreUnavailable:
                await asyncio.sleep(pause)
        return _journaled(await self._run(keys, arguments), event)

    async def cancel(self, org_ref: str, hold_id: UUID) -> None:
        """Release the hold of a call that was never made, if there is one; nothing is charged or journaled."""
        await self.settle_hold(org_ref, hold_id, cost_pico=0, tokens=0, event=None)

    async def journal(self, key: ApiKey, event: Envelope) -> bytes:
        """Journal the event of a call that held nothing: the entry's id."""
        with fail_closed():
            entry: bytes = await self._journal([f"{{{key.org_ref}}}:usage"], (event.to_json(),))
        return entry

    async def forget(self, org_ref: str, entries: list[bytes]) -> None:
        """Take published events off the journal."""
        with fail_closed():
            await self._redis.call("XDEL", f"{{{org_ref}}}:usage", *entries)

    async def _run(self, keys: list[str], arguments: tuple[Argument, ...]) -> Any:  # noqa: ANN401 - see settle.lua
        with fail_closed():
            return await self._settle(keys, arguments)


def _journaled(answer: Any, event: Envelope | None) -> Sequence[Journaled] | None:  # noqa: ANN401 - see settle.lua
    if answer is None:
        return None
    entry, *alerts = answer if isinstance(answer, list) else [answer]
    journaled = [(alert, alert_in_envelope(text)) for alert, text in alerts]
    return journaled if event is None else [(entry, event), *journaled]


def _similar(flight: Flight, vector: Vector | None) -> tuple[Argument, ...]:
    """What the script keeps of a call for those with the same meaning; nothing of others."""
    sought = flight.call.cache.sought
    if sought is None:
        return ()
    return (
        sought.bucket,
        vector.signs if vector else b"",
        vector.values if vector else b"",
        encode_wording(sought.wording),
        sought.digest,
        flight.match.entry.hex if flight.match else "",
    )


def _milliseconds(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000
