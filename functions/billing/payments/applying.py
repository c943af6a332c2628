"""What comes of Stripe's webhook events."""

from billing.payments.disputing import Disputing
from billing.payments.errors import NotThisPayment, UnknownPayment
from billing.payments.notices import Notice, Notices
from billing.payments.ports import Customers
from billing.payments.provider import Intent, IntentStatus, NoSuchObject, PaymentProvider
from billing.payments.recording import Recording
from billing.payments.refund_recording import RefundRecording
from billing.payments.saved_methods import MethodService
from llmo_core.clock import Clock
from llmo_core.observability import logger


class Applying:
    """Applies events. What an event says of its object is never looked at.

    The object is fetched from Stripe and recorded as it is now, so that events may come twice, late, and in any order.
    """

    def __init__(
        self,
        *,
        notices: Notices,
        customers: Customers,
        provider: PaymentProvider,
        recording: Recording,
        methods: MethodService,
        refunds: RefundRecording,
        disputing: Disputing,
        clock: Clock,
    ) -> None:
        self._notices = notices
        self._customers = customers
        self._provider = provider
        self._recording = recording
        self._methods = methods
        self._refunds = refunds
        self._disputing = disputing
        self._clock = clock

    async def apply(self, notice: Notice) -> None:
        """Apply an event. Safe to repeat. What is none of ours is noted and left.

        Raises ProviderUnavailable, ProviderRefused, DatabaseUnavailable.
        """
        try:
            await self._applied(notice)
        except (NoSuchObject, UnknownPayment, NotThisPayment) as error:
            logger().warning("event of Stripe's ignored", extra={**notice.model_dump(), "reason": error.code})
        await self._notices.processed(notice.id, self._clock.now())

    async def _applied(self, notice: Notice) -> None:
        kind, object_id = notice.type.rpartition(".")[0], notice.object_id
        match kind:
            case "payment_intent":
                await self._record(await self._provider.intent(object_id))
            case "setup_intent":
                setup = await self._provider.setup(object_id)
                if setup.method_id is not None:
                    await self._methods.record(await self._provider.method(setup.method_id))
            case "payment_method":
                await self._methods.record(await self._provider.method(object_id))
            case "customer":
                await self._methods.record_default(await self._provider.customer(object_id))
            case "refund":
                refund = await self._provider.refund_state(object_id)
                await self._record_paid(refund.intent_id)
                await self._refunds.record(refund)
            case "charge.dispute":
                dispute = await self._provider.dispute(object_id)
                await self._record_paid(dispute.intent_id)
                await self._disputing.record(dispute)
            case _:
                logger().info("event of Stripe's without a meaning for us", extra=notice.model_dump())

    async def _record_paid(self, intent_id: str | None) -> None:
        """Record first that a payment succeeded, of which something went back: that event may be on its way yet."""
        intent = await self._provider.intent(intent_id) if intent_id is not None else None
        if intent is not None and intent.status is IntentStatus.SUCCEEDED:
            await self._record(intent)

    async def _record(self, intent: Intent) -> None:
        """Whose payment it is, its customer says; what we noted there has to agree."""
        org_id = await self._customers.owner_of(intent.customer_id) if intent.customer_id is not None else None
        if org_id is None or intent.payment_id is None or intent.org_id != org_id:
            raise UnknownPayment
        await self._recording.record(org_id, intent.payment_id, intent)
