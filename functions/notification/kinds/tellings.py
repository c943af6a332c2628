"""What events of the services have somebody be told: kind, audience, and what of an event its templates get to see.

An event that is not in the table is told to nobody.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from llmo_auth.principal import Permission
from notification.kinds.models import Address, Audience
from notification.kinds.telling import Data, Telling, same, who_may
from notification.kinds.tellings_of_analytics import OF_ANALYTICS


def _address(data: Data) -> Audience:
    return Audience(addresses=(Address(email=data["email"], user_id=data.get("user_id")),))


def _both_addresses(data: Data) -> Audience:
    mails = dict.fromkeys((data["email"], data["previous"]))
    return Audience(addresses=tuple(Address(email=mail, user_id=data["user_id"]) for mail in mails))


def _user(data: Data) -> Audience:
    return Audience(user_ids=(data["user_id"],), anybody=True)


_PAYERS: Final = who_may(Permission.BILLING_WRITE)
_BUDGETERS: Final = who_may(Permission.BUDGETS_WRITE)
_OWNERS: Final = who_may(Permission.ORG_WRITE)


_INVOICE: Final = same("invoice_id", "number", "currency")
_FACTOR: Final = {"factor": "kind", "label": "name"}

TELLINGS: Final[Mapping[str, Sequence[Telling]]] = MappingProxyType(
    {
        "llmo.auth.email.verification_requested": [
            Telling("verify_email", _address, {"person": "name"} | same("token", "expires_at"))
        ],
        "llmo.auth.registration.repeated": [Telling("already_registered", _address)],
        "llmo.auth.registration.ambiguous": [Telling("register_again", _address)],
        "llmo.auth.password.reset_requested": [Telling("reset_password", _address, same("token", "expires_at"))],
        "llmo.auth.email.change_requested": [
            # The asker's own account is not the new address's: nobody's preferences count.
            Telling(
                "confirm_new_email",
                lambda data: Audience(addresses=(Address(email=data["email"]),)),
                same("token", "expires_at"),
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
        "llmo.auth.email.changed": [Telling("email_changed", _both_addresses, same("email", "previous"))],
        "llmo.auth.password.changed": [Telling("password_changed", _address, same("by_reset"))],
        "llmo.auth.second_factor.added": [Telling("second_factor_added", _address, _FACTOR)],
        "llmo.auth.second_factor.removed": [Telling("second_factor_removed", _address, _FACTOR)],
        "llmo.auth.recovery_code.used": [Telling("recovery_code_used", _address, same("left"))],
        "llmo.auth.identity.linked": [Telling("identity_linked", _address, same("provider"))],
        "llmo.auth.identity.removed": [Telling("identity_removed", _address, same("provider"))],
        "llmo.auth.login.suspicious": [Telling("suspicious_sign_in", _address, same("reason", "ip"))],
        "llmo.auth.session.started": [
            Telling(
                "new_sign_in",
                _user,
                same("ip", "user_agent"),
                once=("user_id", "ip", "user_agent"),
                when=lambda data: data.get("client_id") is None,  # what applications do is told on their grants' pages
            )
        ],
        "llmo.auth.user.deleted": [Telling("account_deleted", lambda data: _address({"email": data["email"]}))],
        "llmo.auth.member.invited": [
            Telling(
                "invitation",
                lambda data: Audience(addresses=(Address(email=data["email"]),)),
                same("organization", "role", "token", "expires_at"),
            )
        ],
        "llmo.auth.member.joined": [Telling("member_joined", who_may(Permission.MEMBERS_WRITE), same("email", "role"))],
        "llmo.auth.member.role_changed": [Telling("role_changed", _user, same("role", "previous"))],
        "llmo.auth.member.removed": [Telling("member_removed", _user, same("left"))],
        "llmo.auth.api_key.created": [
            Telling("api_key_created", _OWNERS, {"key_name": "name"} | same("key_id", "hint", "expires_at"))
        ],
        "llmo.integration.budget.threshold_reached": [
            Telling(
                "budget_threshold",
                _BUDGETERS,
                same(
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
                who_may(Permission.WEBHOOKS_WRITE),
                same("webhook_id", "description", "reason", "failing_since"),
            )
        ],
        "llmo.billing.invoice.finalized": [
            Telling(
                "invoice_finalized", _PAYERS, _INVOICE | same("total", "amount_due", "due_at"), once=("invoice_id",)
            )
        ],
        "llmo.billing.invoice.paid": [Telling("invoice_paid", _PAYERS, _INVOICE | same("total"), once=("invoice_id",))],
        "llmo.billing.invoice.overdue": [
            Telling("invoice_overdue", _PAYERS, _INVOICE | same("amount_remaining", "due_at"), once=("invoice_id",))
        ],
        "llmo.billing.invoice.payment_failed": [
            Telling(
                "payment_failed",
                _PAYERS,
                same("invoice_id", "currency", "amount", "attempt", "failure"),
                once=("payment_id",),
            )
        ],
        "llmo.billing.payment.action_required": [
            Telling("payment_action_required", _PAYERS, same("payment_id", "currency", "amount"), once=("payment_id",))
        ],
        "llmo.billing.dunning.reminded": [
            Telling(
                "dunning_reminder",
                _PAYERS,
                _INVOICE | same("amount_remaining", "step", "steps", "standing", "next_step_at"),
                once=("invoice_id", "step"),
            )
        ],
        "llmo.billing.service.restricted": [
            Telling("service_restricted", _PAYERS, same("invoice_id", "since"), once=("revision",))
        ],
        "llmo.billing.service.suspended": [
            Telling("service_suspended", _PAYERS, same("invoice_id", "since"), once=("revision",))
        ],
        "llmo.billing.service.restored": [Telling("service_restored", _PAYERS, same("since"), once=("revision",))],
        "llmo.billing.credit_note.issued": [
            Telling(
                "credit_note_issued",
                _PAYERS,
                same("credit_note_id", "number", "currency", "total"),
                once=("credit_note_id",),
            )
        ],
        "llmo.billing.refund.succeeded": [
            Telling("refund_succeeded", _PAYERS, same("currency", "amount"), once=("refund_id",))
        ],
        "llmo.billing.credit.low": [
            Telling("credit_low", _PAYERS, same("wallet_id", "currency", "balance", "low_balance"))
        ],
        "llmo.billing.credit.expired": [
            Telling("credit_expired", _PAYERS, same("wallet_id", "currency", "amount", "balance"), once=("grant_id",))
        ],
        "llmo.billing.top_up.failed": [
            Telling(
                "top_up_failed",
                _PAYERS,
                same("wallet_id", "currency", "amount", "automatic", "failure"),
                once=("top_up_id",),
            )
        ],
        "llmo.billing.alert.crossed": [
            Telling(
                "alert_crossed",
                _PAYERS,
                {"alert_name": "name", "alert": "kind"}
                | same("alert_id", "currency", "meter", "percent", "threshold", "value", "limit"),
                once=("crossing_id",),
            )
        ],
        "llmo.billing.subscription.trial_ending": [
            Telling("trial_ending", _PAYERS, {"ends_at": "trial_ends_at"}, once=("subscription_id",))
        ],
        "llmo.billing.subscription.ended": [
            Telling("subscription_ended", _PAYERS, same("reason"), once=("subscription_id",))
        ],
        **OF_ANALYTICS,
    }
)
