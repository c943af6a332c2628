"""What one can do with payment methods."""

from uuid import UUID

from billing.payments.customers import CustomerRegistry
from billing.payments.errors import UnknownMethod
from billing.payments.events import of_method
from billing.payments.models import PaymentMethod
from billing.payments.ports import Customers, Methods
from billing.payments.provider import CustomerState, MethodState, PaymentProvider, SetupState
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction


class MethodService:
    """Saves, shows, prefers and forgets ways to pay. What Stripe has of them is what counts."""

    def __init__(
        self,
        *,
        methods: Methods,
        customers: Customers,
        registry: CustomerRegistry,
        provider: PaymentProvider,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._methods = methods
        self._customers = customers
        self._registry = registry
        self._provider = provider
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[PaymentMethod]:
        """The organization's, without those that are detached, the newest first."""
        return Page.of(await self._methods.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def begin_setup(self, principal: Principal) -> SetupState:
        """Have the customer's browser save a way to pay; a webhook tells us of it. Raises ProviderUnavailable."""
        org_id, session_id = principal.org_id, self._new_id()
        customer_id = await self._registry.ensure(org_id)
        now = self._clock.now()
        await self._customers.begin_session(session_id, org_id, kind="setup_intent", by=principal.actor_id, now=now)
        return await self._provider.create_setup(customer_id, key=f"{session_id}-setup")

    async def make_default(self, principal: Principal, method_id: UUID) -> PaymentMethod:
        """Charge this one where no other is named. Safe to repeat. Raises UnknownMethod, ProviderUnavailable."""
        org_id = principal.org_id
        method = await self._attached(org_id, method_id)
        if method.is_default:
            return method
        customer_id = await self._registry.ensure(org_id)
        await self._provider.set_default(customer_id, method.stripe_id, key=f"{method.id}-default-{method.revision}")
        await self._prefer(org_id, method.stripe_id)
        return await self._attached(org_id, method_id)

    async def detach(self, principal: Principal, method_id: UUID) -> None:
        """Forget one: it can never be charged again. Raises UnknownMethod, ProviderUnavailable."""
        method = await self._attached(principal.org_id, method_id)
        await self._provider.detach(method.stripe_id, key=f"{method.id}-detach")
        await self._forget(principal.org_id, method.stripe_id)

    async def record(self, state: MethodState) -> None:
        """Record a way to pay as it is at Stripe: a new one, one that was renewed, or one that is gone.

        The first one of an organization is its default. Safe to repeat, and in any order.
        """
        org_id = await self._customers.owner_of(state.customer_id or state.stripe_id)
        if org_id is None:
            logger().info("payment method of nobody's", extra={"stripe_id": state.stripe_id})
            return
        if state.customer_id is None:
            await self._forget(org_id, state.stripe_id)
            return
        async with self._transaction(org_id):
            kept = await self._methods.locked(org_id)
            same = next((method for method in kept if method.stripe_id == state.stripe_id), None)
            if same is not None:
                if same.following(state) != same:
                    await self._methods.change(same.following(state))
                return
            method = PaymentMethod(
                id=self._new_id(),
                org_id=org_id,
                **state.model_dump(exclude={"customer_id"}),
                is_default=not any(method.is_default for method in kept),
                created_at=self._clock.now(),
            )
            await self._methods.add(method)
            await self._events.announce(of_method(method), org_id=org_id, aggregate_id=method.id)

    async def record_default(self, customer: CustomerState) -> None:
        """Record which one is the default at Stripe, where the portal may change it; none there changes nothing."""
        org_id = await self._customers.owner_of(customer.stripe_id)
        if org_id is not None and customer.default_method_id is not None:
            await self._prefer(org_id, customer.default_method_id)

    async def _attached(self, org_id: UUID, method_id: UUID) -> PaymentMethod:
        found = await self._methods.find(org_id, method_id)
        if found is None or found.detached_at is not None:
            raise UnknownMethod
        return found

    async def _prefer(self, org_id: UUID, stripe_id: str) -> None:
        async with self._transaction(org_id):
            kept = await self._methods.locked(org_id)
            chosen = next((each for each in kept if each.stripe_id == stripe_id and each.detached_at is None), None)
            if chosen is None or chosen.is_default:
                return
            for other in kept:
                if other.is_default:
                    await self._methods.change(other.model_copy(update={"is_default": False}))
            preferred = {"is_default": True, "revision": chosen.revision + 1}
            await self._methods.change(chosen.model_copy(update=preferred))

    async def _forget(self, org_id: UUID, stripe_id: str) -> None:
        async with self._transaction(org_id):
            kept = await self._methods.locked(org_id)
            gone = next((each for each in kept if each.stripe_id == stripe_id and each.detached_at is None), None)
            if gone is None:
                return
            gone = gone.model_copy(update={"detached_at": self._clock.now(), "is_default": False})
            await self._methods.change(gone)
            await self._events.announce(of_method(gone), org_id=org_id, aggregate_id=gone.id)
