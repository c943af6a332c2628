"""What the auth API takes for a network."""

import pytest
from pydantic import TypeAdapter, ValidationError

from auth.fields import Cidr

CIDR: TypeAdapter[str] = TypeAdapter(Cidr)


@pytest.mark.parametrize(
    "text",
    [
        "fe80::1%eth0/128",
        "fe80::%eth0/64",
        "fe80::1%0/128",
        "2001:db8::%1/32",
        "2001:db8::1%eth0",
    ],
)
def test_a_network_of_one_machines_interface_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        CIDR.validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        "::ffff:10.0.0.0/104",
        "::ffff:10.0.0.1/128",
        "::ffff:10.0.0.1",
        "::ffff:a00:0/104",
        "0:0:0:0:0:ffff:10.0.0.0/104",
        "::ffff:0:0/96",
        "::FFFF:192.0.2.0/120",
    ],
)
def test_an_ipv4_network_is_written_as_one(text: str) -> None:
    with pytest.raises(ValidationError):
        CIDR.validate_python(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0:0::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::/0", "::/0"),
        ("fe80::/64", "fe80::/64"),
    ],
)
def test_any_other_network_is_kept_in_its_shortest_form(text: str, kept: str) -> None:
    assert CIDR.validate_python(text) == kept
