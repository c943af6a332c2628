"""Making the call of one line, as if its key had made it: now, or in a batch of its provider.

A call that is made now carries an idempotency key of its own, under which its answer is kept before the line is. When a
worker died in between, the next one finds it there, and nobody is charged twice.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

import orjson

from integration.gateway.call import Deferred
from integration.gateway.deferral.charges import Charges
from integration.gateway.deferral.holding import Held, Holding
from integration.gateway.deferral.models import Batch, Line, Outcome, batch_name
from integration.gateway.deferral.outcomes import answered, refused, request_name
from integration.gateway.endpoints.form import Form
from integration.gateway.errors import InvalidCall, RequestInProgress, UpstreamError, UpstreamTimeout
from integration.gateway.journey import again, retry_after
from integration.gateway.limit_errors import BudgetExceeded, CallTooLarge
from integration.gateway.models import Answer
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError, TooManyRequests, Unavailable
from llmo_core.money import to_pico
from llmo_core.observability import logger

MOST_TRIES: Final = 5
"""So often a line's provider may fail."""
_LONGEST_CALL_SECONDS: Final = 500.0
_FIRST_PAUSE_SECONDS: Final = 5.0
_IN_PROGRESS_SECONDS: Final = 60.0
_OUTAGE_SECONDS: Final = 30.0
_LONGEST_PAUSE_SECONDS: Final = 3_600.0  # whatever a provider wishes: a batch has a day


@dataclass(frozen=True, slots=True)
class Later:
    """A line whose call can be made later.

    Attributes:
        tries: How often its provider has failed by then.
        pauses: Whether the other lines had better wait as long.
        cost_pico: What was charged although there is no answer.
    """

    at: datetime
    tries: int
    pauses: bool
    cost_pico: int = 0


class Answers(Protocol):
    """What answers calls, each once: the OnceGateway."""

    async def answer(
        self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str, deferred: Deferred | None = None
    ) -> Answer:
        """Answer one call."""
        ...


class Calling:
    """Makes calls of lines."""

    def __init__(
        self, *, answers: Answers, holding: Holding, forms: Mapping[str, Form], charges: Charges, clock: Clock
    ) -> None:
        self._answers = answers
        self._holding = holding
        self._forms = forms
        self._charges = charges
        self._clock = clock

    async def call(self, batch: Batch, line: Line, key: ApiKey) -> Outcome | Held | Later:
        """Make a line's call: what came of it, or when to try again.

        Where its provider takes batches, the call is not made, but held for one.
        """
        with self._charges.of(request_name(line)) as charged:
            outcome = await self._called(batch, line, key)
        if isinstance(outcome, Held):
            return outcome
        return replace(outcome, cost_pico=max(outcome.cost_pico, charged.pico))  # a kept answer was charged before

    async def _called(self, batch: Batch, line: Line, key: ApiKey) -> Outcome | Held | Later:
        try:
            async with asyncio.timeout(_LONGEST_CALL_SECONDS):
                _refuse_streams(line)
                held = None if line.alone else await self._holding.hold(batch, line, key)
                return await self._answered(batch, line, key) if held is None else held
        except TimeoutError:
            return self._failed(line, UpstreamTimeout())
        except LlmoError as error:
            return self._failed(line, error)
        except Exception as error:  # noqa: BLE001 - a defect that one line brings out must not keep the others waiting
            logger().exception("a line of a batch failed", extra={"request_id": request_name(line)})
            return refused(line, error)

    async def _answered(self, batch: Batch, line: Line, key: ApiKey) -> Outcome:
        answer = await self._answers.answer(
            self._forms[batch.endpoint],
            line.body.encode(),
            headers={**batch.headers, "idempotency-key": str(line.call_id)},
            request_id=request_name(line),
            deferred=Deferred(key, batch_name(batch.id)),
        )
        if not isinstance(answer.body, bytes):
            raise TypeError("the answer to a call without a stream is a stream")
        return answered(line, answer.status, answer.body, to_pico(Decimal(answer.headers["x-llmo-cost-usd"])))

    def _failed(self, line: Line, error: LlmoError) -> Outcome | Later:
        match error:
            case TooManyRequests() if not isinstance(error, BudgetExceeded | CallTooLarge):
                return self._later(line, error.retry_after_seconds, pauses=True)
            case RequestInProgress():  # a worker before this one made it, and died or is about to end
                return self._later(line, _IN_PROGRESS_SECONDS)
            case UpstreamError() if again(error) and line.tries + 1 < MOST_TRIES:
                wished = retry_after(error)
                pause = _FIRST_PAUSE_SECONDS * 2**line.tries if wished is None else wished
                return self._later(line, pause, tries=line.tries + 1, pauses=wished is not None)
            case Unavailable() if not isinstance(error, UpstreamError):
                return self._later(line, _OUTAGE_SECONDS, pauses=True)
        return refused(line, error)

    def _later(self, line: Line, seconds: float, *, tries: int | None = None, pauses: bool = False) -> Later:
        at = self._clock.now() + timedelta(seconds=min(seconds, _LONGEST_PAUSE_SECONDS))
        return Later(at, line.tries if tries is None else tries, pauses)


def _refuse_streams(line: Line) -> None:
    if orjson.loads(line.body).get("stream"):
        raise InvalidCall("A deferred call has no stream.", param="stream", code="unsupported_parameter")
