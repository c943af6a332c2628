"""Who is told of payments that are final, of what goes back, of invoices that are settled, and of credit.

Whatever may end a payment or grant credit connects them: payments do not know what is paid for, invoices what is done
about those that were not, nor wallets what credit is good for.
"""

from billing.credit_notes.wiring import invoice_reversal
from billing.dunning.wiring import dunning_closing
from billing.invoices.wiring import invoice_settlement, tell_when_settled
from billing.payments.models import PurposeKind
from billing.payments.wiring import settle_with
from billing.prepaid.wiring import credit_changed
from billing.wallets.wiring import tell, top_up_reversal, top_up_settlement


def connect() -> None:
    """Have payments settled and reversed, dunnings closed, and limits follow credit; once for each process."""
    tell_when_settled(dunning_closing)
    tell(credit_changed)
    settle_with(
        {PurposeKind.INVOICE: invoice_settlement, PurposeKind.TOP_UP: top_up_settlement},
        {PurposeKind.INVOICE: invoice_reversal, PurposeKind.TOP_UP: top_up_reversal},
    )
