"""The use cases of payments with their adapters."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from billing import wiring as shared
from billing.payments.applying import Applying
from billing.payments.charging import Charging
from billing.payments.customers import CustomerRegistry
from billing.payments.disputing import Disputing
from billing.payments.errors import PaymentsNotConfigured
from billing.payments.method_repository import PostgresCustomers, PostgresMethods
from billing.payments.models import PurposeKind
from billing.payments.notice_repository import PostgresNotices
from billing.payments.ports import Reversal, Settlement
from billing.payments.provider import PaymentProvider
from billing.payments.recording import Recording
from billing.payments.refund_recording import RefundRecording
from billing.payments.refunding import Refunding
from billing.payments.repository import PostgresDisputes, PostgresPayments, PostgresRefunds
from billing.payments.saved_methods import MethodService
from billing.payments.settling import Reversals, Settlements
from billing.payments.showing import HostedPages, PaymentService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret

if TYPE_CHECKING:
    from billing.payments.stripe_provider import StripeProvider

_UNSET = "unset"
_OWN_PORTAL = "default"


@shared.once
def _stripe() -> "StripeProvider":
    from billing.payments.stripe_provider import StripeProvider  # noqa: PLC0415 - a quarter of a second

    settings = shared.parts.settings()
    api_key = read_secret(settings.stripe_api_key_secret)
    if api_key == _UNSET:
        raise PaymentsNotConfigured
    made = StripeProvider(api_key, base_url=settings.stripe_base_url or None)
    return shared.parts.closing(made, StripeProvider.close)


def provider() -> PaymentProvider:
    """Who moves the money. Raises PaymentsNotConfigured."""
    return _stripe()


_SETTLEMENTS: dict[PurposeKind, Callable[[], Settlement]] = {}
_REVERSALS: dict[PurposeKind, Callable[[], Reversal]] = {}


def settle_with(
    settlements: Mapping[PurposeKind, Callable[[], Settlement]], reversals: Mapping[PurposeKind, Callable[[], Reversal]]
) -> None:
    """Say what settles and reverses payments of each kind: this area knows nothing of what is paid for."""
    _SETTLEMENTS.update(settlements)
    _REVERSALS.update(reversals)


def settlement() -> Settlement:
    """What comes of payments for what they pay for."""
    return Settlements({kind: made() for kind, made in _SETTLEMENTS.items()})


def reversal() -> Reversal:
    """What comes of money that goes back, for what it had paid for."""
    return Reversals({kind: made() for kind, made in _REVERSALS.items()})


def _parts() -> dict[str, Any]:
    """What nearly every use case here needs."""
    return {"provider": provider(), "clock": SystemClock()}


def _recording() -> Recording:
    database = shared.database()
    return Recording(
        payments=PostgresPayments(database),
        settlement=settlement(),
        events=shared.events(),
        transaction=database.transaction,
        **_parts(),
    )


def _registry() -> CustomerRegistry:
    return CustomerRegistry(customers=PostgresCustomers(shared.database()), **_parts())


async def charging() -> Charging:
    """What collects money."""
    database = shared.database()
    return Charging(
        payments=PostgresPayments(database),
        methods=PostgresMethods(database),
        customers=PostgresCustomers(database),
        recording=_recording(),
        transaction=database.transaction,
        after_commit=database.after_commit,
        new_id=new_id,
        **_parts(),
    )


async def method_service() -> MethodService:
    """The use cases of payment methods."""
    database = shared.database()
    return MethodService(
        methods=PostgresMethods(database),
        customers=PostgresCustomers(database),
        registry=_registry(),
        events=shared.events(),
        transaction=database.transaction,
        new_id=new_id,
        **_parts(),
    )


async def payment_service() -> PaymentService:
    """What shows payments."""
    database = shared.database()
    return PaymentService(
        payments=PostgresPayments(database),
        refunds=PostgresRefunds(database),
        disputes=PostgresDisputes(database),
        provider=provider(),
    )


def _refund_recording() -> RefundRecording:
    database = shared.database()
    return RefundRecording(
        refunds=PostgresRefunds(database),
        disputes=PostgresDisputes(database),
        payments=PostgresPayments(database),
        customers=PostgresCustomers(database),
        reversal=reversal(),
        events=shared.events(),
        transaction=database.transaction,
        new_id=new_id,
        **_parts(),
    )


async def refunding() -> Refunding:
    """What gives money back."""
    database = shared.database()
    return Refunding(
        refunds=PostgresRefunds(database),
        payments=PostgresPayments(database),
        recording=_refund_recording(),
        operator=shared.operator(),
        transaction=database.transaction,
        after_commit=database.after_commit,
        new_id=new_id,
        **_parts(),
    )


async def hosted_pages() -> HostedPages:
    """What sends customers to pages of Stripe's."""
    chosen = shared.parts.settings().stripe_portal
    return HostedPages(
        customers=PostgresCustomers(shared.database()),
        registry=_registry(),
        portal=("" if chosen == _OWN_PORTAL else chosen) if chosen else None,
        new_id=new_id,
        **_parts(),
    )


async def publishable_key() -> str | None:
    """What browsers save cards with."""
    return shared.parts.settings().stripe_publishable_key or None


async def applying() -> Applying:
    """What comes of webhook events."""
    database = shared.database()
    disputing = Disputing(
        disputes=PostgresDisputes(database),
        payments=PostgresPayments(database),
        customers=PostgresCustomers(database),
        reversal=reversal(),
        events=shared.events(),
        transaction=database.transaction,
        new_id=new_id,
        **_parts(),
    )
    return Applying(
        notices=PostgresNotices(database),
        customers=PostgresCustomers(database),
        recording=_recording(),
        methods=await method_service(),
        refunds=_refund_recording(),
        disputing=disputing,
        **_parts(),
    )
