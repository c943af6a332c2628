"""Sending what is due: one worker for each webhook at a time, many webhooks at once, and none waits for another."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from integration.webhook_delivery.models import (
    Attempted,
    Delivery,
    DisabledReason,
    Status,
    Waiting,
    Webhook,
    WebhookDisabled,
)
from integration.webhook_delivery.ports import Calls, Deliveries, Receiver, Secrets
from integration.webhook_delivery.schedule import DISABLED_AFTER, wait_after
from integration.webhook_messages.answers import UNSENT, Answer
from integration.webhook_messages.signing import signed_headers
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction

LEASE: Final = timedelta(seconds=150)  # longer than the function may run: then its worker is dead
_WEBHOOKS_AT_ONCE: Final = 32
_MESSAGES_AT_ONCE: Final = 4
_MOST_IN_A_TURN: Final = 100  # of one webhook: then others have their turn
_MOST_WAITING: Final = 200


class Sending:
    """Sends messages that are due.

    Args:
        random: Of [0, 1).
    """

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        secrets: Secrets,
        calls: Calls,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._deliveries = deliveries
        self._secrets = secrets
        self._calls = calls
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._random = random

    async def send_due(self, time_left: Callable[[], timedelta]) -> int:
        """Send what is due, of all organizations, until nothing is or the time is up; how many messages that were.

        No message is begun when no time is left. A webhook that is slow or busy has one turn.
        Raises DatabaseUnavailable.
        """
        sent, had_their_turn = 0, set[UUID]()
        while time_left() > timedelta():
            now = self._clock.now()
            waiting = await self._deliveries.waiting(now=now, besides=had_their_turn, limit=_MOST_WAITING)
            if not waiting:
                break
            turns = await self._turns(waiting, time_left)
            full = [count >= _MOST_IN_A_TURN for count in turns]
            had_their_turn |= {each.webhook_id for each, goes_on in zip(waiting, full, strict=True) if not goes_on}
            sent += sum(turns)
        return sent

    async def send(self, waiting: Sequence[Waiting], time_left: Callable[[], timedelta]) -> int:
        """Send what is due to these webhooks; how many messages that were."""
        return sum(await self._turns(waiting, time_left))

    async def _turns(self, waiting: Sequence[Waiting], time_left: Callable[[], timedelta]) -> Sequence[int]:
        slots = asyncio.Semaphore(_WEBHOOKS_AT_ONCE)

        async def turn(each: Waiting) -> int:
            async with slots:
                try:
                    return await self._turn(each, time_left)
                except Exception:  # noqa: BLE001 - one webhook must not keep the others waiting
                    left = {"webhook_id": str(each.webhook_id)}
                    logger().exception("a webhook waits for the next run", extra=left)
                    return 0

        return await asyncio.gather(*map(turn, waiting))

    async def _turn(self, waiting: Waiting, time_left: Callable[[], timedelta]) -> int:
        """One webhook's turn. What arrives while it has it is sent in it: who keeps it then finds it leased."""
        sent = 0
        while time_left() > timedelta():
            now = self._clock.now()
            webhook = await self._deliveries.lease(waiting, now=now, until=now + LEASE)
            if webhook is None:
                break
            well, came = False, False
            try:
                count, well = await self._sent(webhook, time_left)
                sent += count
            finally:
                came = await self._deliveries.release(webhook, now=self._clock.now())
            if not (well and came) or sent >= _MOST_IN_A_TURN:
                break
        return sent

    async def _sent(self, webhook: Webhook, time_left: Callable[[], timedelta]) -> tuple[int, bool]:
        """How many messages were sent, and whether the webhook is well enough for more."""
        now = self._clock.now()
        secrets = [
            await self._secrets.open(sealed, org_id=webhook.org_id, webhook_id=webhook.id)
            for sealed in webhook.signing(now)
        ]
        receiver = await self._calls.receiver(webhook.url)
        sent = 0
        while sent < _MOST_IN_A_TURN and time_left() > timedelta():
            due = await self._deliveries.due(webhook, now=self._clock.now(), limit=_MESSAGES_AT_ONCE)
            if not due:
                break
            answers = await asyncio.gather(*(self._send(webhook, receiver, each, secrets) for each in due))
            sent += len(due)
            if not await self._settled(webhook, due, answers):
                return sent, False
        return sent, True

    async def _send(self, webhook: Webhook, receiver: Receiver, delivery: Delivery, secrets: Sequence[str]) -> Answer:
        seen = {"webhook_id": str(webhook.id), "event_id": str(delivery.event_id)}
        try:
            body = delivery.body.encode()
            headers = signed_headers(str(delivery.event_id), body, secrets, now=self._clock.now())
            answer = await receiver.send(body, headers)
        except Exception:  # noqa: BLE001 - what came of the messages beside it is kept
            logger().exception("a defect in sending to a webhook", extra=seen)
            return UNSENT
        logger().info("webhook called", extra={**seen, "status": answer.status, "delivered": answer.delivered})
        return answer

    async def _settled(self, webhook: Webhook, due: Sequence[Delivery], answers: Sequence[Answer]) -> bool:
        """Keep what came of attempts; whether the webhook is well enough for more messages."""
        now = self._clock.now()
        succeeded = any(answer.delivered for answer in answers)
        attempted = [self._attempted(each, answer, now) for each, answer in zip(due, answers, strict=True)]
        reason = None
        async with self._transaction(webhook.org_id):
            failing_since = await self._deliveries.keep(webhook, attempted, succeeded=succeeded, now=now)
            if any(answer.gone for answer in answers):
                reason = DisabledReason.GONE
            elif failing_since is not None and now - failing_since >= DISABLED_AFTER:
                reason = DisabledReason.FAILING
            if reason is not None:
                await self._disable(webhook, reason, failing_since or now, now)
            elif any(each.status is Status.FAILED for each in attempted):
                await self._deliveries.forget_failures(webhook)
        return reason is None and not any(answer.strained for answer in answers)

    async def _disable(self, webhook: Webhook, reason: DisabledReason, failing_since: datetime, now: datetime) -> None:
        if not await self._deliveries.disable(webhook, reason, now=now):
            return
        disabled = WebhookDisabled(
            webhook_id=webhook.id, description=webhook.description, reason=reason, failing_since=failing_since
        )
        await self._events.announce(disabled, org_id=webhook.org_id, aggregate_id=webhook.id)

    def _attempted(self, delivery: Delivery, answer: Answer, now: datetime) -> Attempted:
        attempts = delivery.attempts + 1
        wait = None
        if not (answer.delivered or answer.gone):
            wait = wait_after(attempts, jitter=self._random(), retry_after=answer.retry_after)
        status = Status.DELIVERED if answer.delivered else Status.PENDING if wait is not None else Status.FAILED
        return Attempted(
            delivery.id, status, attempts, now, now + wait if wait is not None else None, answer.status, answer.error
        )
