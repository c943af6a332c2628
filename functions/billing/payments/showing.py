"""What one can see of payments, and the pages of Stripe's that one can be sent to."""

from uuid import UUID

from billing.payments.customers import CustomerRegistry
from billing.payments.errors import PortalNotConfigured, UnknownPayment
from billing.payments.models import Dispute, Payment, PaymentStatus, Refund
from billing.payments.ports import Customers, Disputes, Payments, Refunds
from billing.payments.provider import PaymentProvider
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_core.paging import Page


class PaymentDetails(Model):
    """A payment with what became of it.

    Attributes:
        client_secret: With which the customer's browser goes on; None unless it has to.
    """

    payment: Payment
    client_secret: str | None
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]


class PaymentService:
    """Shows an organization's payments."""

    def __init__(self, *, payments: Payments, refunds: Refunds, disputes: Disputes, provider: PaymentProvider) -> None:
        self._payments = payments
        self._refunds = refunds
        self._disputes = disputes
        self._provider = provider

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Payment]:
        """The organization's payments, the newest first."""
        return Page.of(await self._payments.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, payment_id: UUID) -> PaymentDetails:
        """A payment with its refunds and disputes, and the secret with which the customer goes on where they have to.

        The secret is Stripe's and not kept. Raises UnknownPayment; ProviderUnavailable where there is one.
        """
        org_id = principal.org_id
        payment = await self._payments.find(org_id, payment_id)
        if payment is None:
            raise UnknownPayment
        secret = None
        if payment.status is PaymentStatus.REQUIRES_ACTION and payment.stripe_id is not None:
            secret = (await self._provider.intent(payment.stripe_id)).client_secret
        return PaymentDetails(
            payment=payment,
            client_secret=secret,
            refunds=tuple(await self._refunds.of_payment(org_id, payment_id)),
            disputes=tuple(await self._disputes.of_payment(org_id, payment_id)),
        )


class HostedPages:
    """Sends customers to pages of Stripe's.

    Args:
        portal: None where there is no portal, empty for the account's own configuration, else the id of one.
    """

    def __init__(
        self,
        *,
        customers: Customers,
        registry: CustomerRegistry,
        provider: PaymentProvider,
        portal: str | None,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._customers = customers
        self._registry = registry
        self._provider = provider
        self._portal = portal
        self._clock = clock
        self._new_id = new_id

    async def checkout(self, principal: Principal, *, success_url: str, cancel_url: str) -> str:
        """The URL of a page on which the customer saves a way to pay. Raises ProviderUnavailable."""
        customer_id, session_id = await self._begin(principal, "checkout")
        key = f"{session_id}-checkout"
        return await self._provider.checkout(customer_id, success_url=success_url, cancel_url=cancel_url, key=key)

    async def portal(self, principal: Principal, *, return_url: str) -> str:
        """The URL of a page on which the customer looks after what is saved.

        Raises PortalNotConfigured, ProviderUnavailable.
        """
        if self._portal is None:
            raise PortalNotConfigured
        customer_id, session_id = await self._begin(principal, "portal")
        return await self._provider.portal(
            customer_id, configuration=self._portal or None, return_url=return_url, key=f"{session_id}-portal"
        )

    async def _begin(self, principal: Principal, kind: str) -> tuple[str, UUID]:
        org_id, session_id = principal.org_id, self._new_id()
        customer_id = await self._registry.ensure(org_id)
        now = self._clock.now()
        await self._customers.begin_session(session_id, org_id, kind=kind, by=principal.actor_id, now=now)
        return customer_id, session_id
