"""What can go wrong with payments, beside what whoever moves the money says (`provider`)."""

from llmo_core.errors import Conflict, Invalid, NotFound, Unavailable, Unprocessable


class UnknownPayment(NotFound):
    """There is no payment with this id."""


class UnknownRefund(NotFound):
    """There is no refund with this id."""


class UnknownMethod(NotFound):
    """There is no payment method with this id."""


class PaymentUnderWay(Conflict):
    """A payment for this is under way."""


class AlreadyPaid(Conflict):
    """This is paid, with another amount."""


class NoPaymentMethod(Conflict):
    """The organization has saved no payment method that could be charged."""


class NotThisPayment(Conflict):
    """What Stripe has under this payment's id is another one."""


class NotRefundable(Conflict):
    """Only a payment that has succeeded can be refunded."""


class RefundTooLarge(Conflict):
    """More than is left of the payment cannot be refunded; what was spent of credit that it paid for is not left."""


class RequestKeyReused(Unprocessable):
    """The `Idempotency-Key` was used for something else of this payment, or invoice."""


class AmountNotChargeable(Invalid):
    """The amount cannot be charged in this currency."""


class PortalNotConfigured(Conflict):
    """This deployment offers no billing portal (`StripePortal`)."""


class PaymentsNotConfigured(Unavailable):
    """This deployment takes no payments: it has no key of Stripe's (`StripeApiKey`)."""
