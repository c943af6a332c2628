"""The kinds of fields that accounts have."""

from functools import cache
from importlib.resources import files
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, StringConstraints, ValidationInfo, WithJsonSchema, field_validator

from billing.accounts.tax_numbers import TaxIdType, compact
from llmo_core.model import Model


def _address(text: str) -> str:
    try:
        valid = validate_email(text, allow_smtputf8=False, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("this is no e-mail address") from None
    return valid.ascii_email or text


@cache
def _countries() -> frozenset[str]:
    """IANA's time zones come with a list of ISO 3166-1's codes."""
    lines = (files("tzdata.zoneinfo") / "iso3166.tab").read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if line and not line.startswith("#"))


def _known_country(code: str) -> str:
    if code not in _countries():
        raise ValueError("there is no country with this code in ISO 3166-1")
    return code


type Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]

type Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
"""A line of an address."""

type Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), AfterValidator(_known_country)]
"""A country's code of two letters (ISO 3166-1)."""

type Locale = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", max_length=20)
]
"""A language, and a script and a region where they matter (BCP 47): `de`, `pt-BR`, `zh-Hant-TW`."""


class TaxId(Model):
    """A number under which an organization is known to a tax authority.

    How it is written is checked; nobody asks the authority. It is kept without the blanks and dots between its digits.
    """

    type: TaxIdType
    value: Annotated[str, StringConstraints(min_length=1, max_length=50)]

    @field_validator("value")
    @classmethod
    def _compact(cls, value: str, known: ValidationInfo) -> str:
        return compact(known.data["type"], value) if "type" in known.data else value
