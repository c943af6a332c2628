"""What webhooks can be told of: the public types of events, and what each of them says.

A public event is chosen field by field from one of ours. What stands in no list here goes out to nobody: neither types
(those of people, which carry mailed tokens, and one for each call) nor fields that are added to an event some day.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

_ALL_SPENT: Final = 100


class EventType(StrEnum):
    """What a webhook can be told of."""

    BATCH_COMPLETED = "batch.completed"
    BATCH_FAILED = "batch.failed"
    BATCH_EXPIRED = "batch.expired"
    BATCH_CANCELLED = "batch.cancelled"
    BUDGET_THRESHOLD_REACHED = "budget.threshold_reached"
    BUDGET_EXHAUSTED = "budget.exhausted"
    BUDGET_CREATED = "budget.created"
    BUDGET_CHANGED = "budget.changed"
    BUDGET_REMOVED = "budget.removed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_REVOKED = "api_key.revoked"
    PROVIDER_CREATED = "provider.created"
    PROVIDER_CHANGED = "provider.changed"
    PROVIDER_REMOVED = "provider.removed"
    MODEL_CREATED = "model.created"
    MODEL_CHANGED = "model.changed"
    MODEL_REMOVED = "model.removed"
    ROUTE_CREATED = "route.created"
    ROUTE_CHANGED = "route.changed"
    ROUTE_REMOVED = "route.removed"
    LIMIT_CREATED = "limit.created"
    LIMIT_CHANGED = "limit.changed"
    LIMIT_REMOVED = "limit.removed"
    POLICY_CHANGED = "policy.changed"
    POLICY_REMOVED = "policy.removed"
    GUARDRAIL_CREATED = "guardrail.created"
    GUARDRAIL_CHANGED = "guardrail.changed"
    GUARDRAIL_REMOVED = "guardrail.removed"
    PROMPT_CREATED = "prompt.created"
    PROMPT_CHANGED = "prompt.changed"
    PROMPT_REMOVED = "prompt.removed"
    WEBHOOK_DISABLED = "webhook.disabled"
    BILLING_ALERT_CROSSED = "billing_alert.crossed"
    SERVICE_RESTRICTED = "service.restricted"
    SERVICE_SUSPENDED = "service.suspended"
    SERVICE_RESTORED = "service.restored"
    INVOICE_FINALIZED = "invoice.finalized"
    INVOICE_PAID = "invoice.paid"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_UNCOLLECTIBLE = "invoice.uncollectible"
    INVOICE_OVERDUE = "invoice.overdue"
    INVOICE_PAYMENT_FAILED = "invoice.payment_failed"
    SUBSCRIPTION_STARTED = "subscription.started"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_TRIAL_ENDING = "subscription.trial_ending"
    SUBSCRIPTION_PAUSED = "subscription.paused"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_ENDED = "subscription.ended"
    ANOMALY_DETECTED = "anomaly.detected"
    REPORT_READY = "report.ready"
    EXPORT_COMPLETED = "export.completed"


TEST: Final = "webhook.test"
"""The type of an event that somebody has sent to try a webhook; every webhook gets it, and none is asked for it."""

DESCRIPTIONS: Final[Mapping[EventType, str]] = MappingProxyType(
    {
        EventType.BATCH_COMPLETED: "A batch, or a call with `x-llmo-defer`, is done; lines of it may have failed.",
        EventType.BATCH_FAILED: "A batch's file cannot be read, so none of its calls was made.",
        EventType.BATCH_EXPIRED: "A batch was not done when its completion window ended.",
        EventType.BATCH_CANCELLED: "A batch was cancelled, and has stopped.",
        EventType.BUDGET_THRESHOLD_REACHED: "So many percent of a budget are spent, and fewer than all.",
        EventType.BUDGET_EXHAUSTED: "All of a budget is spent; a hard one refuses calls now.",
        EventType.BUDGET_CREATED: "There is a new budget.",
        EventType.BUDGET_CHANGED: "A budget is another one.",
        EventType.BUDGET_REMOVED: "A budget holds no more.",
        EventType.API_KEY_CREATED: "There is a new API key.",
        EventType.API_KEY_ROTATED: "An API key has a successor, and ends at `expires_at`.",
        EventType.API_KEY_REVOKED: "An API key is refused.",
        EventType.PROVIDER_CREATED: "There is a new connection to a provider.",
        EventType.PROVIDER_CHANGED: "A connection to a provider is another one.",
        EventType.PROVIDER_REMOVED: "A connection to a provider is gone.",
        EventType.MODEL_CREATED: "There is a new name for a provider's model.",
        EventType.MODEL_CHANGED: "A model is another one.",
        EventType.MODEL_REMOVED: "A model is gone.",
        EventType.ROUTE_CREATED: "There is a new route.",
        EventType.ROUTE_CHANGED: "A route is another one.",
        EventType.ROUTE_REMOVED: "A route is gone.",
        EventType.LIMIT_CREATED: "There is a new limit.",
        EventType.LIMIT_CHANGED: "A limit is another one.",
        EventType.LIMIT_REMOVED: "A limit holds no more.",
        EventType.POLICY_CHANGED: "What may be done to make calls cheaper is another policy.",
        EventType.POLICY_REMOVED: "A policy holds no more.",
        EventType.GUARDRAIL_CREATED: "There is a new guardrail.",
        EventType.GUARDRAIL_CHANGED: "A guardrail is another one.",
        EventType.GUARDRAIL_REMOVED: "A guardrail is gone.",
        EventType.PROMPT_CREATED: "There is a new prompt.",
        EventType.PROMPT_CHANGED: "A prompt has another version, other labels, or another name or description.",
        EventType.PROMPT_REMOVED: "A prompt is gone.",
        EventType.WEBHOOK_DISABLED: "A webhook was disabled because deliveries to it kept failing; others hear of it.",
        EventType.BILLING_ALERT_CROSSED: "What is spent, used or left has come to a value that an alert is for.",
        EventType.SERVICE_RESTRICTED: "An invoice is overdue: a few calls a minute are answered, and none for later.",
        EventType.SERVICE_SUSPENDED: "An invoice is overdue for long: no calls are answered.",
        EventType.SERVICE_RESTORED: "Nothing is overdue any more, and calls are answered again.",
        EventType.INVOICE_FINALIZED: "An invoice has its number.",
        EventType.INVOICE_PAID: "Nothing is left to pay of an invoice.",
        EventType.INVOICE_VOIDED: "An invoice does not have to be paid after all.",
        EventType.INVOICE_UNCOLLECTIBLE: "What is left to pay of an invoice is not expected any more.",
        EventType.INVOICE_OVERDUE: "Nobody paid an invoice in time.",
        EventType.INVOICE_PAYMENT_FAILED: "An invoice could not be collected.",
        EventType.SUBSCRIPTION_STARTED: "The organization has a plan.",
        EventType.SUBSCRIPTION_CHANGED: "Other terms are in force.",
        EventType.SUBSCRIPTION_TRIAL_ENDING: "A trial ends in three days.",
        EventType.SUBSCRIPTION_PAUSED: "Nothing is billed, and nothing can be used.",
        EventType.SUBSCRIPTION_RESUMED: "The subscription goes on.",
        EventType.SUBSCRIPTION_ENDED: "The subscription has ended.",
        EventType.ANOMALY_DETECTED: "An hour's calls were not what the same hour of past weeks had.",
        EventType.REPORT_READY: "A report was run, and its files can be fetched.",
        EventType.EXPORT_COMPLETED: "An export is written, and its files can be fetched.",
    }
)
"""What each type tells, for people."""


@dataclass(frozen=True, slots=True)
class Source:
    """One of our events that webhooks are told of.

    Attributes:
        fields: Which of its fields they are told; in this order.
        type_of: Which public event it is, by its data.
    """

    fields: Sequence[str]
    type_of: Callable[[Mapping[str, Any]], EventType | None]


def _always(public: EventType) -> Callable[[Mapping[str, Any]], EventType]:
    return lambda _: public


def _ended(data: Mapping[str, Any]) -> EventType | None:
    name = f"batch.{data.get('status')}"
    return EventType(name) if name in EventType else None


def _spent(data: Mapping[str, Any]) -> EventType:
    percent = data.get("percent")
    exhausted = isinstance(percent, int) and percent >= _ALL_SPENT
    return EventType.BUDGET_EXHAUSTED if exhausted else EventType.BUDGET_THRESHOLD_REACHED


def _of_things(thing: str, *created: str) -> dict[str, Source]:
    """The three events of things that are set up."""
    named = (f"{thing}_id", "name")
    fields = {
        "created": (*named, *created, "created_by"),
        "changed": (*named, "version", "changed", "changed_by"),
        "removed": (*named, "removed_by"),
    }
    return {
        f"llmo.integration.{thing}.{happened}": Source(chosen, _always(EventType(f"{thing}.{happened}")))
        for happened, chosen in fields.items()
    }


def _of_billing() -> dict[str, Source]:
    """What concerns the money of an organization; amounts are in minor units."""
    invoice = ("invoice_id", "number", "currency")
    overdue = ("invoice_id", "since", "reason")
    terms = ("subscription_id", "plan_id", "version", "seats")
    crossed = Source(
        (
            *("alert_id", "name", "kind", "currency", "meter", "wallet_id", "limit", "percent", "threshold", "value"),
            *("period_start", "period_end", "crossed_at"),
        ),
        _always(EventType.BILLING_ALERT_CROSSED),
    )
    fields = {
        "service.restricted": overdue,
        "service.suspended": overdue,
        "service.restored": ("since",),
        "invoice.finalized": (*invoice, "total", "amount_due", "due_at"),
        "invoice.paid": (*invoice, "total"),
        "invoice.voided": (*invoice, "total"),
        "invoice.uncollectible": (*invoice, "amount_remaining"),
        "invoice.overdue": (*invoice, "amount_remaining", "due_at"),
        "invoice.payment_failed": ("invoice_id", "payment_id", "currency", "amount", "attempt", "failure"),
        "subscription.started": (*terms, "starts_on", "trial_ends_at", "by"),
        "subscription.changed": (*terms, "on", "by"),
        "subscription.trial_ending": ("subscription_id", "trial_ends_at"),
        "subscription.paused": ("subscription_id", "on"),
        "subscription.resumed": ("subscription_id", "by"),
        "subscription.ended": ("subscription_id", "ended_on", "reason"),
    }
    same_name = {f"llmo.billing.{name}": Source(chosen, _always(EventType(name))) for name, chosen in fields.items()}
    return {"llmo.billing.alert.crossed": crossed, **same_name}


def _of_analytics() -> dict[str, Source]:
    """What was found in usage, and files that can be fetched; links to them go to nobody who was not asked for."""
    fields = {
        EventType.ANOMALY_DETECTED: (
            *("anomaly_id", "hour", "metric", "direction", "value", "expected", "score", "weeks"),
        ),
        EventType.REPORT_READY: ("report_id", "run_id", "name"),
        EventType.EXPORT_COMPLETED: ("export_id", "what", "format", "start", "end", "rows", "size"),
    }
    return {f"llmo.analytics.{type_}": Source(chosen, _always(type_)) for type_, chosen in fields.items()}


_BATCH = (
    *("batch", "project_id", "key_id", "status", "endpoint", "total", "completed", "failed", "cost_usd"),
    *("output_file", "error_file"),
)
_BUDGET = (*("budget_id", "scope", "subject", "window", "window_starts", "percent", "spent_usd", "limit_usd", "hard"),)
SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "llmo.integration.batch.completed": Source(_BATCH, _ended),
        "llmo.integration.budget.threshold_reached": Source(_BUDGET, _spent),
        **_of_things("budget", "scope", "subject", "window", "limit_usd", "hard", "alerts"),
        "llmo.auth.api_key.created": Source(
            ("key_id", "project_id", "name", "permissions", "expires_at", "created_by"),
            _always(EventType.API_KEY_CREATED),
        ),
        "llmo.auth.api_key.rotated": Source(
            ("key_id", "successor_id", "expires_at"), _always(EventType.API_KEY_ROTATED)
        ),
        "llmo.auth.api_key.revoked": Source(("key_id", "revoked_at"), _always(EventType.API_KEY_REVOKED)),
        **_of_things("provider", "kind", "region"),
        **_of_things("model", "provider_id", "upstream_model"),
        **_of_things("route", "strategy"),
        **_of_things(
            "limit",
            *("scope", "subject", "requests_per_minute", "tokens_per_minute", "tokens_per_day", "concurrent_requests"),
        ),
        "llmo.integration.policy.changed": Source(
            ("project_id", "key_id", "version", "changed_by"), _always(EventType.POLICY_CHANGED)
        ),
        "llmo.integration.policy.removed": Source(
            ("project_id", "key_id", "removed_by"), _always(EventType.POLICY_REMOVED)
        ),
        **_of_things("guardrail", "project_id", "stage", "kind", "action", "enabled"),
        **_of_things("prompt"),
        "llmo.integration.webhook.disabled": Source(
            ("webhook_id", "description", "reason", "failing_since"), _always(EventType.WEBHOOK_DISABLED)
        ),
        **_of_billing(),
        **_of_analytics(),
    }
)
"""Our events that are public, by their types; all of version 1."""


def public_event(internal: str, data: Mapping[str, Any]) -> tuple[EventType, dict[str, Any]] | None:
    """The public type and data of one of our events; None when nobody outside is told of it."""
    source = SOURCES.get(internal)
    public = source.type_of(data) if source is not None else None
    if source is None or public is None:
        return None
    return public, {name: data[name] for name in source.fields if name in data}
