"""Bodies about subscriptions."""

from datetime import date, datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from billing.periods import Period
from billing.subscriptions.models import PendingChange, Phase, Seats, Status, Subscription, Terms, When
from llmo_core.currencies import Currency
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

# PostgreSQL's text holds no NUL; lines may be broken.
type Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")
]

type VersionSeen = Annotated[
    int | None,
    Field(
        ge=1,
        le=2_147_483_647,
        description="The version that one has looked at: refused when it is not the plan's newest any more.",
    ),
]

_AS_IT_IS: Final = {
    "id",
    "time_zone",
    "starts_on",
    "cancel_on",
    "cancel_reason",
    "pause_on",
    "ended_at",
    "ended_on",
    "revision",
    "created_by",
    "created_at",
}
_PLAN: Final = "01980a5e-7c00-7000-8000-000000000010"


class StartSubscription(Model):
    """What to subscribe to. What is used is charged for by the plan's newest version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan_id": _PLAN, "seats": 5}]})

    plan_id: UUID
    version: VersionSeen = None
    seats: Seats = 1


class ChangeSubscription(Model):
    """What is to be different. What is left out, or null, stays what it is.

    Of another plan it is the newest version. One's own plan stays in the version that one has, unless `version` is the
    newest. What one has already withdraws a change that is pending.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"seats": 8}, {"plan_id": _PLAN, "when": "now"}]})

    plan_id: UUID | None = None
    version: VersionSeen = None
    seats: Seats | None = None
    when: Annotated[
        When,
        Field(
            description="`auto`: at once what costs as much or more in advance, or during a trial; at the period's end"
            " what costs less."
        ),
    ] = When.AUTO


class CancelSubscription(Model):
    """When it ends, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"when": "at_period_end", "reason": "We moved on."}]})

    when: Annotated[
        Literal[When.NOW, When.AT_PERIOD_END],
        Field(description="`now`: today is the last day, and nothing can be used any more."),
    ] = When.AT_PERIOD_END
    reason: Reason | None = None


class TermsOut(Model):
    """A version of a plan, for so many seats."""

    plan_id: UUID
    version: int
    currency: Currency
    seats: int

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """Show terms."""
        return cls(**terms.model_dump(exclude={"definition"}), currency=terms.definition.currency)


class PendingChangeOut(TermsOut):
    """Other terms, from the day `takes_effect_on` on."""

    takes_effect_on: date

    @classmethod
    def after(cls, pending: PendingChange) -> Self:
        """Show a change that is pending."""
        return cls(**dict(TermsOut.of(pending.terms)), takes_effect_on=pending.takes_effect_on)


class PhaseOut(TermsOut):
    """Days with the same terms, the day `until_on` not among them; null of the present ones.

    One that was replaced on its first day has no days.
    """

    number: int
    from_on: date
    until_on: date | None
    cycle_starts_on: Annotated[date, Field(description="The day that its periods are counted from.")]

    @classmethod
    def had(cls, phase: Phase) -> Self:
        """Show a phase."""
        days = phase.model_dump(include={"number", "from_on", "until_on", "cycle_starts_on"})
        return cls(**dict(TermsOut.of(phase.terms)), **days)


class SubscriptionOut(TermsOut):
    """A subscription as it is now, with the terms that are in force, or were the last ones. Days are in `time_zone`."""

    id: UUID
    status: Status
    time_zone: str
    starts_on: date
    trial_ends_at: datetime | None
    current_period: Annotated[Period | None, Field(description="Null of what is paused or has ended.")]
    pending_change: PendingChangeOut | None
    cancel_on: Annotated[date | None, Field(description="The day with which it ends, unless it is resumed.")]
    cancel_reason: str | None
    pause_on: Annotated[date | None, Field(description="The day with which a pause begins, or has begun.")]
    ended_at: datetime | None
    ended_on: Annotated[date | None, Field(description="The first day that is not its own any more.")]
    phases: list[PhaseOut]
    revision: Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]
    created_by: UUID
    created_at: datetime

    @classmethod
    def now(cls, subscription: Subscription) -> Self:
        """Show a subscription."""
        pending = subscription.pending
        return cls(
            **dict(TermsOut.of(subscription.phase.terms)),
            **subscription.model_dump(include=_AS_IT_IS),
            status=subscription.status,
            trial_ends_at=subscription.trial_ends_at,
            current_period=subscription.current_period,
            pending_change=PendingChangeOut.after(pending) if pending is not None else None,
            phases=[PhaseOut.had(phase) for phase in subscription.phases],
        )


class SubscriptionPage(Model):
    """Some subscriptions, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[SubscriptionOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Subscription]) -> Self:
        """Show a page."""
        return cls(data=[SubscriptionOut.now(each) for each in page.data], next_cursor=cursor_after(page.last))
