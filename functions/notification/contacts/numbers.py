"""Which numbers text messages can be sent to."""

from collections.abc import Collection
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

from notification.contacts.models import NoMobileNumber, UnservedCountry

# In some plans, as North America's, mobile numbers look as others do.
_READ_BY_SOMEBODY: Final = frozenset(
    {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER}
)


def require_texts(number: str, countries: Collection[str]) -> None:
    """Raise UnservedCountry, or NoMobileNumber: text messages to numbers with a price make money for their owners.

    Args:
        number: As E.164 has it.
        countries: Where text messages are sent to: codes of ISO 3166-1.
    """
    parsed = phonenumbers.parse(number)
    if phonenumbers.region_code_for_number(parsed) not in countries:
        raise UnservedCountry
    if phonenumbers.number_type(parsed) not in _READ_BY_SOMEBODY:
        raise NoMobileNumber
