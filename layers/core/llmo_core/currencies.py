"""The currencies that customers are billed in, and how finely each can be charged.

Source: ISO 4217, list one (https://www.six-group.com/en/products-services/financial-information/data-standards.html),
and https://docs.stripe.com/currencies. Only currencies are here whose amounts Stripe takes in the minor units that
ISO 4217 gives them: it wants Iceland's krona and Uganda's shilling in hundredths, and Madagascar's ariary whole.
"""

from enum import StrEnum
from typing import Final


class Currency(StrEnum):
    """A currency, by its ISO 4217 code."""

    AED = "AED"
    AUD = "AUD"
    BHD = "BHD"
    BRL = "BRL"
    CAD = "CAD"
    CHF = "CHF"
    CLP = "CLP"
    CZK = "CZK"
    DKK = "DKK"
    EUR = "EUR"
    GBP = "GBP"
    HKD = "HKD"
    ILS = "ILS"
    INR = "INR"
    JOD = "JOD"
    JPY = "JPY"
    KRW = "KRW"
    KWD = "KWD"
    MXN = "MXN"
    NOK = "NOK"
    NZD = "NZD"
    OMR = "OMR"
    PLN = "PLN"
    RON = "RON"
    SAR = "SAR"
    SEK = "SEK"
    SGD = "SGD"
    THB = "THB"
    TND = "TND"
    TRY = "TRY"
    USD = "USD"
    VND = "VND"
    ZAR = "ZAR"

    @property
    def exponent(self) -> int:
        """How many decimal places its minor unit has: 2 for cents, 0 where nothing is smaller than the unit."""
        return _EXPONENTS.get(self, 2)

    @property
    def increment(self) -> int:
        """What every amount charged is a multiple of, in minor units.

        Stripe refuses amounts with three decimal places whose last digit is not 0, so that 5.124 KWD has to be 5.120
        or 5.130: https://docs.stripe.com/currencies#three-decimal
        """
        return 10 if self.exponent == 3 else 1  # noqa: PLR2004 - three-decimal currencies are what the rule is about


_EXPONENTS: Final = {
    Currency.CLP: 0,
    Currency.JPY: 0,
    Currency.KRW: 0,
    Currency.VND: 0,
    Currency.BHD: 3,
    Currency.JOD: 3,
    Currency.KWD: 3,
    Currency.OMR: 3,
    Currency.TND: 3,
}
