"""Organizations as customers of Stripe."""

from uuid import UUID

from billing.payments.ports import Customers
from billing.payments.provider import PaymentProvider
from llmo_core.clock import Clock


class CustomerRegistry:
    """Makes organizations customers of Stripe when they first need to be."""

    def __init__(self, *, customers: Customers, provider: PaymentProvider, clock: Clock) -> None:
        self._customers = customers
        self._provider = provider
        self._clock = clock

    async def ensure(self, org_id: UUID) -> str:
        """The organization's id at Stripe, where it is made a customer unless it is one. Safe to repeat, and at once.

        Raises ProviderUnavailable.
        """
        found = await self._customers.find(org_id)
        if found is not None:
            return found
        return await self._customers.add(org_id, await self._provider.create_customer(org_id), self._clock.now())
