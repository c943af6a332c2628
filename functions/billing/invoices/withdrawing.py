"""Give up a charge for what is not owed any more."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from billing.payments.errors import PaymentsNotConfigured
from billing.payments.models import Purpose, PurposeKind
from llmo_core.errors import LlmoError
from llmo_core.observability import logger


class Cancels(Protocol):
    """What collects money, and can leave it."""

    async def cancel(self, org_id: UUID, purpose: Purpose) -> object:
        """Give up the payment under way for a purpose. Raises PaymentUnderWay, ProviderUnavailable."""
        ...


class WithdrawingService:
    """Cancels charges for invoices.

    Args:
        charging: Gives what charges, as late as it is needed: that settles invoices, which may withdraw charges.
            Raises PaymentsNotConfigured.
    """

    def __init__(self, charging: Callable[[], Awaitable[Cancels]]) -> None:
        self._charging = charging

    async def withdraw(self, org_id: UUID, invoice_id: UUID) -> None:
        """Cancel the charge under way for an invoice, where there is one and it still can be. Never raises.

        What succeeds nevertheless becomes credit.
        """
        try:
            await (await self._charging()).cancel(org_id, Purpose(kind=PurposeKind.INVOICE, id=invoice_id))
        except PaymentsNotConfigured:
            return
        except LlmoError as error:
            told = {"invoice_id": str(invoice_id), "reason": error.code}
            logger().warning("a charge could not be cancelled", extra=told)
        except Exception:  # noqa: BLE001 - what it is for is committed, and stays so
            logger().exception("a charge could not be cancelled", extra={"invoice_id": str(invoice_id)})
