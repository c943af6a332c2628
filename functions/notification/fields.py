"""The kinds of fields that bodies of several areas share."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, StringConstraints

_CODE: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
OWN_KIND: Final = re.compile(r"custom\.[a-z0-9][a-z0-9_-]{0,55}")
"""What kinds are called that an organization makes itself."""


def _mail_address(given: str) -> str:
    try:
        return validate_email(given, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


def _number(given: str) -> str:
    try:
        number = phonenumbers.parse(given)
    except phonenumbers.NumberParseException as error:
        raise ValueError("write the number as E.164 has it, such as +14155550100") from error
    if not phonenumbers.is_valid_number(number) or phonenumbers.format_number(number, _E164) != given:
        raise ValueError("this is no phone number as E.164 has them, such as +14155552671")
    return given


_E164: Final = phonenumbers.PhoneNumberFormat.E164

type EmailAddress = Annotated[str, StringConstraints(max_length=254), AfterValidator(_mail_address)]
"""An address as RFC 5321 has them; whether its domain is there is not looked up."""

type PhoneNumber = Annotated[str, StringConstraints(max_length=16), AfterValidator(_number)]
"""A number as E.164 has them, of a range that is in use."""

type Code = Annotated[str, StringConstraints(pattern=_CODE)]
"""What something is called by programs."""


def outside(countries: Sequence[str], number: str) -> bool:
    """Whether a number is of a country (ISO 3166-1 alpha-2) that is none of these."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) not in countries
