import pytest

from llmo_core.errors import Invalid
from notification.contacts.models import NoMobileNumber, UnservedCountry
from notification.contacts.numbers import require_texts


@pytest.mark.parametrize("number", ["+4915112345678", "+14155552671", "+447400123456"])
def test_texts_go_to_mobile_phones_of_countries_that_are_served(number: str) -> None:
    require_texts(number, ["DE", "US", "GB"])


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        ("+33612345678", UnservedCountry),
        ("+12424221234", UnservedCountry),  # the Bahamas share +1 with the United States
        ("+4930123456", NoMobileNumber),  # a fixed line
        ("+49900123456789", NoMobileNumber),  # who calls it pays for it
        ("+498001234567", NoMobileNumber),
    ],
)
def test_they_go_to_no_others(number: str, refusal: type[Invalid]) -> None:
    with pytest.raises(refusal):
        require_texts(number, ["DE", "US", "GB"])
