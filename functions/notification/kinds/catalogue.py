"""The kinds of notifications that the platform itself sends.

Amounts are minor units beside a `currency`, moments RFC 3339, links paths below the address of the application:
templates format them (`money`, `moment`, `link`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from llmo_core.errors import NotFound
from notification.kinds.models import Category, Channel, Kind

_MAIL: Final = (Channel.EMAIL,)
_MAIL_AND_INBOX: Final = (Channel.EMAIL, Channel.IN_APP)
_INBOX: Final = (Channel.IN_APP,)
_ALL: Final = (Channel.EMAIL, Channel.IN_APP, Channel.PUSH)
_URGENT: Final = (Channel.EMAIL, Channel.IN_APP, Channel.PUSH, Channel.SMS)

_TOKEN: Final = "9rXxq0iJ4cVbY1u3wQk7pZ2sT5nM8dLf"  # noqa: S105 - of a preview
_SOON: Final = "2026-11-28T12:30:00Z"
_INVOICE: Final = {
    "invoice_id": "01980a5e-7c00-7000-8000-000000000601",
    "number": "INV-2026-000042",
    "currency": "USD",
}


def _kind(name: str, category: Category, channels: tuple[Channel, ...], summary: str, **variables: Any) -> Kind:  # noqa: ANN401
    return Kind(name=name, category=category, channels=channels, summary=summary, variables=variables)


_KINDS: Final = (
    # accounts
    _kind(
        "verify_email",
        Category.ACCOUNT,
        _MAIL,
        "Confirm the address that you registered with.",
        person="Ada Lovelace",
        token=_TOKEN,
        expires_at=_SOON,
    ),
    _kind("already_registered", Category.ACCOUNT, _MAIL, "You have an account already."),
    _kind("register_again", Category.ACCOUNT, _MAIL, "The address was registered with different passwords."),
    _kind("reset_password", Category.ACCOUNT, _MAIL, "Choose a new password.", token=_TOKEN, expires_at=_SOON),
    _kind(
        "confirm_new_email",
        Category.ACCOUNT,
        _MAIL,
        "Confirm your account's new address.",
        token=_TOKEN,
        expires_at=_SOON,
    ),
    _kind("email_in_use", Category.ACCOUNT, _MAIL, "The address has an account already, and cannot get another."),
    _kind(
        "invitation",
        Category.ACCOUNT,
        _MAIL,
        "You are invited to an organization.",
        organization="Analytical Engines",
        role="developer",
        token=_TOKEN,
        expires_at=_SOON,
    ),
    _kind("account_deleted", Category.ACCOUNT, _MAIL, "Your account was deleted."),
    _kind("phone_code", Category.ACCOUNT, (Channel.SMS,), "The code that confirms your phone number.", code="271828"),
    # security
    _kind("password_changed", Category.SECURITY, _MAIL_AND_INBOX, "Your password was changed.", by_reset=False),
    _kind(
        "email_changed",
        Category.SECURITY,
        _MAIL_AND_INBOX,
        "Your account has another address.",
        email="ada@new.example",
        previous="ada@old.example",
    ),
    _kind(
        "second_factor_added",
        Category.SECURITY,
        _MAIL_AND_INBOX,
        "You have another second factor.",
        factor="passkey",
        label="Laptop",
    ),
    _kind(
        "second_factor_removed",
        Category.SECURITY,
        _MAIL_AND_INBOX,
        "You have a second factor less.",
        factor="passkey",
        label="Laptop",
    ),
    _kind("recovery_code_used", Category.SECURITY, _MAIL_AND_INBOX, "A recovery code was used.", left=7),
    _kind(
        "identity_linked",
        Category.SECURITY,
        _MAIL_AND_INBOX,
        "An identity signs in to your account.",
        provider="google",
    ),
    _kind(
        "identity_removed",
        Category.SECURITY,
        _MAIL_AND_INBOX,
        "An identity signs in to your account no more.",
        provider="google",
    ),
    _kind(
        "suspicious_sign_in",
        Category.SECURITY,
        _URGENT,
        "Somebody else may have what you sign in with.",
        reason="refresh_token_reused",
        ip="203.0.113.9",
    ),
    _kind(
        "new_sign_in",
        Category.SECURITY,
        _ALL,
        "Somebody signed in to your account from a new place or device.",
        ip="203.0.113.9",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    ),
    # organizations
    _kind(
        "member_joined",
        Category.TEAM,
        _INBOX,
        "Somebody joined the organization.",
        email="grace@example.com",
        role="developer",
    ),
    _kind(
        "role_changed",
        Category.TEAM,
        _MAIL_AND_INBOX,
        "Your role in the organization is another one.",
        role="admin",
        previous="developer",
    ),
    _kind("member_removed", Category.TEAM, _MAIL, "You are no member of the organization any more.", left=False),
    _kind(
        "api_key_created",
        Category.KEYS,
        _MAIL_AND_INBOX,
        "There is a new API key.",
        key_id="01980a5e-7c00-7000-8000-000000000301",
        key_name="production",
        hint="x7Qd",
        expires_at=None,
    ),
    _kind(
        "api_key_expiring",
        Category.KEYS,
        _MAIL_AND_INBOX,
        "An API key expires soon.",
        key_id="01980a5e-7c00-7000-8000-000000000301",
        key_name="production",
        hint="x7Qd",
        expires_at=_SOON,
    ),
    # calls
    _kind(
        "budget_threshold",
        Category.BUDGETS,
        _ALL,
        "So many percent of a budget are spent.",
        budget_id="01980a5e-7c00-7000-8000-000000000401",
        scope="project",
        subject="search",
        window="month",
        window_starts="2026-11",
        percent=80,
        spent_usd="80.12",
        limit_usd="100",
        hard=True,
    ),
    _kind(
        "webhook_disabled",
        Category.OPERATIONS,
        _MAIL_AND_INBOX,
        "Nothing is delivered to a webhook any more.",
        webhook_id="01980a5e-7c00-7000-8000-000000000501",
        description="Our own dashboard",
        reason="failing",
        failing_since=_SOON,
    ),
    # billing
    _kind(
        "invoice_finalized",
        Category.INVOICES,
        _MAIL_AND_INBOX,
        "There is an invoice.",
        **_INVOICE,
        total=12_000,
        amount_due=9_900,
        due_at=_SOON,
    ),
    _kind("invoice_paid", Category.INVOICES, _MAIL_AND_INBOX, "An invoice is paid.", **_INVOICE, total=12_000),
    _kind(
        "invoice_overdue",
        Category.PAYMENTS,
        _MAIL_AND_INBOX,
        "Nobody paid an invoice in time.",
        **_INVOICE,
        amount_remaining=9_900,
        due_at=_SOON,
    ),
    _kind(
        "payment_failed",
        Category.PAYMENTS,
        _ALL,
        "An invoice could not be collected.",
        invoice_id=_INVOICE["invoice_id"],
        currency="USD",
        amount=9_900,
        attempt=1,
        failure="card_declined",
    ),
    _kind(
        "payment_action_required",
        Category.PAYMENTS,
        _ALL,
        "Your bank wants you to confirm a payment.",
        payment_id="01980a5e-7c00-7000-8000-000000000611",
        currency="USD",
        amount=9_900,
    ),
    _kind(
        "dunning_reminder",
        Category.PAYMENTS,
        _ALL,
        "An invoice is still to be paid.",
        **_INVOICE,
        amount_remaining=9_900,
        step=2,
        steps=5,
        standing="restricted",
        next_step_at=_SOON,
    ),
    _kind(
        "service_restricted",
        Category.PAYMENTS,
        _ALL,
        "Calls are limited until an invoice is paid.",
        invoice_id=_INVOICE["invoice_id"],
        since=_SOON,
    ),
    _kind(
        "service_suspended",
        Category.PAYMENTS,
        _URGENT,
        "Calls are refused until an invoice is paid.",
        invoice_id=_INVOICE["invoice_id"],
        since=_SOON,
    ),
    _kind("service_restored", Category.PAYMENTS, _ALL, "Calls are served as ever.", since=_SOON),
    _kind(
        "credit_note_issued",
        Category.INVOICES,
        _MAIL_AND_INBOX,
        "There is a credit note.",
        credit_note_id="01980a5e-7c00-7000-8000-000000000621",
        number="CN-2026-000007",
        currency="USD",
        total=2_000,
    ),
    _kind(
        "refund_succeeded", Category.INVOICES, _MAIL_AND_INBOX, "Money was given back.", currency="USD", amount=2_000
    ),
    _kind(
        "credit_low",
        Category.CREDIT,
        _ALL,
        "Prepaid credit is running out.",
        wallet_id="01980a5e-7c00-7000-8000-000000000701",
        currency="USD",
        balance=400,
        low_balance=1_000,
    ),
    _kind(
        "credit_expired",
        Category.CREDIT,
        _INBOX,
        "What was left of a grant can be spent no more.",
        wallet_id="01980a5e-7c00-7000-8000-000000000701",
        currency="USD",
        amount=400,
        balance=600,
    ),
    _kind(
        "top_up_failed",
        Category.CREDIT,
        _ALL,
        "Credit was not paid for.",
        wallet_id="01980a5e-7c00-7000-8000-000000000701",
        currency="USD",
        amount=5_000,
        automatic=True,
        failure="card_declined",
    ),
    _kind(
        "alert_crossed",
        Category.BUDGETS,
        _ALL,
        "An alert is crossed.",
        alert_id="01980a5e-7c00-7000-8000-000000000801",
        alert_name="Spend",
        alert="spend",
        currency="USD",
        meter=None,
        percent=80,
        threshold="40000",
        value="41250",
        limit="50000",
    ),
    _kind("trial_ending", Category.SUBSCRIPTION, _MAIL_AND_INBOX, "A trial ends soon.", ends_at=_SOON),
    _kind(
        "subscription_ended",
        Category.SUBSCRIPTION,
        _MAIL_AND_INBOX,
        "The subscription has ended.",
        reason="The organization was closed.",
    ),
    # analytics
    _kind(
        "report_ready",
        Category.REPORTS,
        _MAIL_AND_INBOX,
        "A report can be downloaded.",
        report_id="01980a5e-7c00-7000-8000-000000000901",
        report_name="Monthly spend",
        url="/reports/1",
        expires_at=_SOON,
    ),
    # of our own
    _kind(
        "digest",
        Category.UPDATES,
        _MAIL,
        "What has happened since the last digest.",
        items=[{"title": "80 % of a budget are spent", "text": "search: $80.12 of $100", "url": "/budgets"}],
        count=1,
    ),
    _kind(
        "message",
        Category.UPDATES,
        _MAIL_AND_INBOX,
        "What an organization has to tell.",
        title="Maintenance on Sunday",
        text="The API is down from 2:00 to 2:15 UTC.",
        url="/status",
    ),
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _KINDS})


class UnknownKind(NotFound):
    """There is no notification of this kind."""


def kind_named(name: str) -> Kind:
    """The kind of this name. Raises UnknownKind."""
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind
    return kind
