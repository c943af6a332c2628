"""The kinds of fields that bodies of several areas have; see llmo_core.fields for those of every service."""

from ipaddress import IPv6Network, ip_network
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

# One that we made and gave away; which kind it is the use case finds out.
type OpaqueToken = Annotated[str, StringConstraints(min_length=1, max_length=200)]

type PerMinute = Annotated[int, Field(gt=0, le=2_147_483_647)]


def _address(text: str) -> str:
    """An address that a mail could be sent to; nobody asks the domain name system whether one arrives.

    `.test` is allowed. The domain is in lower case afterwards.
    """
    # ASCII only: in other letters Python and PostgreSQL disagree about what is the same address in another case.
    if not text.isascii():
        raise ValueError("an address is written in ASCII")
    try:
        valid = validate_email(text, allow_smtputf8=False, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("this is no e-mail address") from None
    return valid.ascii_email or text


type Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]


def _network(text: str) -> str:
    network = ip_network(text)
    if isinstance(network, IPv6Network) and (network.network_address.scope_id or network.network_address.ipv4_mapped):
        raise ValueError("neither zones nor IPv4 networks in IPv6 notation")
    return str(network)


type Cidr = Annotated[str, StringConstraints(max_length=50), AfterValidator(_network)]
