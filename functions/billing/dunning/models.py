"""Dunnings, and how well organizations are served. Both are pure: what they become is kept by others."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from billing.dunning.plan import Action, DunningPlan, Step, Steps
from llmo_core.errors import Conflict, NotFound
from llmo_core.fields import Moment
from llmo_core.model import Model


class Standing(StrEnum):
    """How well an organization is served, the best first."""

    GOOD = "good"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"

    @property
    def severity(self) -> int:
        """0 of the best, and more the worse it is."""
        return list(Standing).index(self)


_STANDINGS = {Action.RESTRICT: Standing.RESTRICTED, Action.SUSPEND: Standing.SUSPENDED}


class Outcome(StrEnum):
    """Why a dunning ended: the invoice was paid, became void, or nothing more is expected of it."""

    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Dunning(Model):
    """What is done about an invoice that could not be collected.

    Attributes:
        steps: As the plan was when it began.
        step: How many of them are done.
        retried: Up to which the payment method was charged again: the number of those that are done, or one more.
        next_at: When the next one comes; None when none does.
        closed_at: When the invoice was settled, in whatever way; after the last step it may be open for long.
    """

    invoice_id: UUID
    org_id: UUID
    steps: Steps
    step: int = 0
    retried: int = 0
    opened_at: Moment
    next_at: Moment | None
    closed_at: Moment | None = None
    outcome: Outcome | None = None

    @classmethod
    def opened(cls, org_id: UUID, invoice_id: UUID, plan: DunningPlan, *, now: datetime, day: timedelta) -> Self:
        """A dunning that begins now. A day is as long as the deployment says."""
        first = now + plan.steps[0].day * day
        return cls(invoice_id=invoice_id, org_id=org_id, steps=plan.steps, opened_at=now, next_at=first)

    @property
    def coming(self) -> Step | None:
        """The next step."""
        return self.steps[self.step] if self.next_at is not None else None

    @property
    def over(self) -> bool:
        """Whether nothing more is done: it is closed, or its last step is done."""
        return self.next_at is None

    @property
    def standing(self) -> Standing:
        """How well the organization is served on account of this invoice."""
        if self.closed_at is not None:
            return Standing.GOOD
        done = [_STANDINGS.get(action, Standing.GOOD) for step in self.steps[: self.step] for action in step.actions]
        return max(done, key=lambda each: each.severity, default=Standing.GOOD)

    def due(self, now: datetime) -> bool:
        """Whether the next step is to be done."""
        return self.next_at is not None and self.next_at <= now

    @property
    def wants_retry(self) -> bool:
        """Whether the next step charges the payment method, and has not yet."""
        return self.coming is not None and Action.RETRY in self.coming.actions and self.retried == self.step

    def retrying(self) -> Self:
        """The same, with the charge of its next step made."""
        return self.model_copy(update={"retried": self.step + 1})

    def stepped(self, now: datetime, day: timedelta) -> Self:
        """The same with its next step done.

        The one after it comes as many days after this one as the plan has between them: what was late does not make
        the others come all at once.
        """
        done = self.step + 1
        last = done == len(self.steps)
        after = None if last else now + (self.steps[done].day - self.steps[self.step].day) * day
        return self.model_copy(update={"step": done, "retried": done, "next_at": after})

    def delayed(self, until: datetime) -> Self:
        """The same, with nothing to come before a moment. Raises NothingToDelay."""
        if self.next_at is None:
            raise NothingToDelay
        return self.model_copy(update={"next_at": max(self.next_at, until)})

    def closed(self, outcome: Outcome, now: datetime) -> Self:
        """The same, of an invoice that is settled."""
        return self.model_copy(update={"closed_at": now, "outcome": outcome, "next_at": None})


class Service(Model):
    """How well an organization is served.

    Attributes:
        invoice_id: On account of which invoice it is not served well.
        since: Since when it is as it is.
        revision: One more with each change; 0 of one that was never served badly.
    """

    org_id: UUID
    standing: Standing = Standing.GOOD
    invoice_id: UUID | None = None
    since: Moment | None = None
    revision: int = 0

    def given(self, dunnings: Sequence[Dunning], now: datetime) -> Self:
        """The same as it follows from the dunnings that are open: as bad as the worst of them makes it.

        The invoice stays the one it was on account of for as long as that is one of the worst. The same when nothing
        changed.
        """
        worst = max((each.standing for each in dunnings), key=lambda each: each.severity, default=Standing.GOOD)
        if worst is Standing.GOOD:
            return self if self.standing is worst else self._now(worst, None, now)
        because = [each.invoice_id for each in dunnings if each.standing is worst]
        if self.standing is worst and self.invoice_id in because:
            return self
        since = self.since if self.standing is worst and self.since is not None else now
        return self._now(worst, because[0], since)

    def _now(self, standing: Standing, invoice_id: UUID | None, since: datetime) -> Self:
        changes = {"standing": standing, "invoice_id": invoice_id, "since": since, "revision": self.revision + 1}
        return self.model_copy(update=changes)


class UnknownDunning(NotFound):
    """Nothing is done about this invoice: it was collected, or there is none."""


class NothingToDelay(Conflict):
    """No step is to come: the invoice is settled, or the last one is done."""
