"""Who is told of payments that are final, and of credit that there is more of: the use cases that these matter to.

Whatever may end a payment or grant credit connects them: payments do not know what is paid for, nor wallets what
credit is good for.
"""

from billing.invoices.wiring import invoice_settlement
from billing.payments.models import PurposeKind
from billing.payments.wiring import settle_with
from billing.prepaid.wiring import credit_changed
from billing.wallets.wiring import tell, top_up_settlement


def connect() -> None:
    """Have payments settled, and limits follow credit; once for each process."""
    settle_with({PurposeKind.INVOICE: invoice_settlement, PurposeKind.TOP_UP: top_up_settlement})
    tell(credit_changed)
