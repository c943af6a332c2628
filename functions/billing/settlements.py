"""Who is told of payments that are final, and of what goes back of them: the use cases of what they pay for.

Whatever may end a payment connects them: payments do not know what is paid for.
"""

from billing.credit_notes.wiring import invoice_reversal
from billing.invoices.wiring import invoice_settlement
from billing.payments.models import PurposeKind
from billing.payments.wiring import settle_with
from billing.wallets.wiring import top_up_reversal, top_up_settlement


def connect() -> None:
    """Have payments settled, and reversed; once for each process."""
    settle_with(
        {PurposeKind.INVOICE: invoice_settlement, PurposeKind.TOP_UP: top_up_settlement},
        {PurposeKind.INVOICE: invoice_reversal, PurposeKind.TOP_UP: top_up_reversal},
    )
