"""Who is told of payments that are final, of what goes back of them, and of invoices that are settled.

Whatever may end a payment connects them: payments do not know what is paid for, nor invoices what is done about those
that were not.
"""

from billing.credit_notes.wiring import invoice_reversal
from billing.dunning.wiring import dunning_closing
from billing.invoices.wiring import invoice_settlement, tell_when_settled
from billing.payments.models import PurposeKind
from billing.payments.wiring import settle_with
from billing.wallets.wiring import top_up_reversal, top_up_settlement


def connect() -> None:
    """Have payments settled, and reversed, and dunnings closed; once for each process."""
    tell_when_settled(dunning_closing)
    settle_with(
        {PurposeKind.INVOICE: invoice_settlement, PurposeKind.TOP_UP: top_up_settlement},
        {PurposeKind.INVOICE: invoice_reversal, PurposeKind.TOP_UP: top_up_reversal},
    )
