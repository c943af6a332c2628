"""What events of the services have somebody be told: kind, audience, and what of an event its templates get to see.

An event that is not in the table is told to nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from llmo_auth.principal import Permission
from notification.kinds.models import Address, Audience

type Data = Mapping[str, Any]


def _address(data: Data) -> Audience:
    return Audience(addresses=(Address(email=data["email"], user_id=data.get("user_id")),))


def _both_addresses(data: Data) -> Audience:
    mails = dict.fromkeys((data["email"], data["previous"]))
    return Audience(addresses=tuple(Address(email=mail, user_id=data["user_id"]) for mail in mails))


def _user(data: Data) -> Audience:
    return Audience(user_ids=(data["user_id"],), anybody=True)


def _who_may(permission: Permission) -> Callable[[Data], Audience]:
    return lambda _: Audience(permission=permission)


_PAYERS: Final = _who_may(Permission.BILLING_WRITE)
_BUDGETERS: Final = _who_may(Permission.BUDGETS_WRITE)
_OWNERS: Final = _who_may(Permission.ORG_WRITE)


@dataclass(frozen=True, slots=True)
class Telling:
    """How an event is told of.

    Attributes:
        fields: What templates get to see, by the names of the kind's variables: fields of the event.
        once: Fields of which only the first event with the same values is told; none for each event.
        when: Whether it is told at all.
        asker: The field that says whose doing it is, where somebody else may be told.
    """

    kind: str
    audience: Callable[[Data], Audience]
    fields: Mapping[str, str] = field(default_factory=dict)
    once: Sequence[str] = ()
    when: Callable[[Data], bool] = lambda _: True
    asker: str | None = None


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_INVOICE: Final = _same("invoice_id", "number", "currency")
_FACTOR: Final = {"factor": "kind", "label": "name"}

TELLINGS: Final[Mapping[str, Sequence[Telling]]] = MappingProxyType(
    {
        "llmo.auth.email.verification_requested": [
            Telling("verify_email", _address, {"person": "name"} | _same("token", "expires_at"))
        ],
        "llmo.auth.registration.repeated": [Telling("already_registered", _address)],
        "llmo.auth.registration.ambiguous": [Telling("register_again", _address)],
        "llmo.auth.password.reset_requested": [Telling("reset_password", _address, _same("token", "expires_at"))],
        "llmo.auth.email.change_requested": [
            # The asker's own account is not the new address's: nobody's preferences count.
            Telling(
                "confirm_new_email",
                lambda data: Audience(addresses=(Address(email=data["email"]),)),
                _same("token", "expires_at"),
                when=lambda data: not data["known"],
                asker="user_id",
            ),
            Telling(
                "email_in_use",
                lambda data: Audience(addresses=(Address(email=data["email"]),)),
                when=lambda data: bool(data["known"]),
                asker="user_id",
            ),
        ],
        "llmo.auth.email.changed": [Telling("email_changed", _both_addresses, _same("email", "previous"))],
        "llmo.auth.password.changed": [Telling("password_changed", _address, _same("by_reset"))],
        "llmo.auth.second_factor.added": [Telling("second_factor_added", _address, _FACTOR)],
        "llmo.auth.second_factor.removed": [Telling("second_factor_removed", _address, _FACTOR)],
        "llmo.auth.recovery_code.used": [Telling("recovery_code_used", _address, _same("left"))],
        "llmo.auth.identity.linked": [Telling("identity_linked", _address, _same("provider"))],
        "llmo.auth.identity.removed": [Telling("identity_removed", _address, _same("provider"))],
        "llmo.auth.login.suspicious": [Telling("suspicious_sign_in", _address, _same("reason", "ip"))],
        "llmo.auth.session.started": [
            Telling(
                "new_sign_in",
                _user,
                _same("ip", "user_agent"),
                once=("user_id", "ip", "user_agent"),
                when=lambda data: data.get("client_id") is None,  # what applications do is told on their grants' pages
            )
        ],
        "llmo.auth.user.deleted": [Telling("account_deleted", lambda data: _address({"email": data["email"]}))],
        "llmo.auth.member.invited": [
            Telling(
                "invitation",
                lambda data: Audience(addresses=(Address(email=data["email"]),)),
                _same("organization", "role", "token", "expires_at"),
            )
        ],
        "llmo.auth.member.joined": [
            Telling("member_joined", _who_may(Permission.MEMBERS_WRITE), _same("email", "role"))
        ],
        "llmo.auth.member.role_changed": [Telling("role_changed", _user, _same("role", "previous"))],
        "llmo.auth.member.removed": [Telling("member_removed", _user, _same("left"))],
        "llmo.auth.api_key.created": [
            Telling("api_key_created", _OWNERS, {"key_name": "name"} | _same("key_id", "hint", "expires_at"))
        ],
        "llmo.integration.budget.threshold_reached": [
            Telling(
                "budget_threshold",
                _BUDGETERS,
                _same(
                    "budget_id",
                    "scope",
                    "subject",
                    "window",
                    "window_starts",
                    "percent",
                    "spent_usd",
                    "limit_usd",
                    "hard",
                ),
                once=("budget_id", "subject", "window_starts", "percent", "limit_usd"),
            )
        ],
        "llmo.integration.webhook.disabled": [
            Telling(
                "webhook_disabled",
                _who_may(Permission.WEBHOOKS_WRITE),
                _same("webhook_id", "description", "reason", "failing_since"),
            )
        ],
        "llmo.billing.invoice.finalized": [
            Telling(
                "invoice_finalized", _PAYERS, _INVOICE | _same("total", "amount_due", "due_at"), once=("invoice_id",)
            )
        ],
        "llmo.billing.invoice.paid": [
            Telling("invoice_paid", _PAYERS, _INVOICE | _same("total"), once=("invoice_id",))
        ],
        "llmo.billing.invoice.overdue": [
            Telling("invoice_overdue", _PAYERS, _INVOICE | _same("amount_remaining", "due_at"), once=("invoice_id",))
        ],
        "llmo.billing.invoice.payment_failed": [
            Telling(
                "payment_failed",
                _PAYERS,
                _same("invoice_id", "currency", "amount", "attempt", "failure"),
                once=("payment_id",),
            )
        ],
        "llmo.billing.payment.action_required": [
            Telling("payment_action_required", _PAYERS, _same("payment_id", "currency", "amount"), once=("payment_id",))
        ],
        "llmo.billing.dunning.reminded": [
            Telling(
                "dunning_reminder",
                _PAYERS,
                _INVOICE | _same("amount_remaining", "step", "steps", "standing", "next_step_at"),
                once=("invoice_id", "step"),
            )
        ],
        "llmo.billing.service.restricted": [
            Telling("service_restricted", _PAYERS, _same("invoice_id", "since"), once=("revision",))
        ],
        "llmo.billing.service.suspended": [
            Telling("service_suspended", _PAYERS, _same("invoice_id", "since"), once=("revision",))
        ],
        "llmo.billing.service.restored": [Telling("service_restored", _PAYERS, _same("since"), once=("revision",))],
        "llmo.billing.credit_note.issued": [
            Telling(
                "credit_note_issued",
                _PAYERS,
                _same("credit_note_id", "number", "currency", "total"),
                once=("credit_note_id",),
            )
        ],
        "llmo.billing.refund.succeeded": [
            Telling("refund_succeeded", _PAYERS, _same("currency", "amount"), once=("refund_id",))
        ],
        "llmo.billing.credit.low": [
            Telling("credit_low", _PAYERS, _same("wallet_id", "currency", "balance", "low_balance"))
        ],
        "llmo.billing.credit.expired": [
            Telling("credit_expired", _PAYERS, _same("wallet_id", "currency", "amount", "balance"), once=("grant_id",))
        ],
        "llmo.billing.top_up.failed": [
            Telling(
                "top_up_failed",
                _PAYERS,
                _same("wallet_id", "currency", "amount", "automatic", "failure"),
                once=("top_up_id",),
            )
        ],
        "llmo.billing.alert.crossed": [
            Telling(
                "alert_crossed",
                _PAYERS,
                {"alert_name": "name", "alert": "kind"}
                | _same("alert_id", "currency", "meter", "percent", "threshold", "value", "limit"),
                once=("crossing_id",),
            )
        ],
        "llmo.billing.subscription.trial_ending": [
            Telling("trial_ending", _PAYERS, {"ends_at": "trial_ends_at"}, once=("subscription_id",))
        ],
        "llmo.billing.subscription.ended": [
            Telling("subscription_ended", _PAYERS, _same("reason"), once=("subscription_id",))
        ],
        "llmo.analytics.report.ready": [
            Telling(
                "report_ready",
                lambda data: Audience(
                    user_ids=tuple(data["user_ids"]),
                    addresses=tuple(Address(email=email) for email in data.get("addresses", ())),
                ),
                {"report_name": "name"} | _same("report_id", "url", "expires_at"),
                once=("run_id",),
            )
        ],
    }
)
