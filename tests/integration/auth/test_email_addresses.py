"""What is taken for an e-mail address, and that Python and PostgreSQL agree which of them are the same."""

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from pydantic import TypeAdapter, ValidationError

from auth.fields import Email
from tests.integration.stores import Postgres

EMAIL: TypeAdapter[str] = TypeAdapter(Email)
FOLDING = "\u0131\u0130\u017f\u212a\u00df\u212b"  # letters whose other case is an ASCII letter, or several
ODD = st.text(st.characters(codec="utf-8", exclude_characters="@"), min_size=1, max_size=20)
ADDRESSES = st.one_of(
    st.emails(),
    st.builds("{}@{}".format, ODD, ODD),
    st.builds("{}@example.com".format, st.text(f"{FOLDING}iIkKsS.+-_'\x00", min_size=1, max_size=10)),
    st.builds("ada@{}.com".format, st.text(f"{FOLDING}xn-iIkKsS", min_size=1, max_size=10)),
)


def taken(text: str) -> str | None:
    try:
        return EMAIL.validate_python(text)
    except ValidationError:
        return None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada+news@Example.COM ", "Ada+news@example.com"),
        ("ada@laptop.test", "ada@laptop.test"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_taken_and_its_domain_written_in_lower_case(text: str, address: str) -> None:
    assert taken(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@example..com",
        "ada@-.com",
        ".ada@example.com",
        "a da@example.com",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        "ada@[127.0.0.1]",
        "ada@bücher.example",
        "ädä@example.com",
        "ada\x00@example.com",
        "a" * 243 + "@example.com",
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(text: str) -> None:
    assert taken(text) is None


@given(text=ADDRESSES, other=ADDRESSES)
@example(text="kelvin@example.com", other="\u212aelvin@example.com")
def test_what_is_taken_can_be_stored_and_is_the_same_address_in_python_and_postgresql(
    postgres: Postgres, text: str, other: str
) -> None:
    addresses = [address for given in (text, other, text.swapcase()) if (address := taken(given)) is not None]
    if not addresses:
        return
    first = addresses[0]
    assert EMAIL.validate_python(first) == first
    with psycopg.connect(make_conninfo("", **postgres.conninfo("llmo_auth"))) as connection:
        for address in addresses:
            row = connection.execute(
                "SELECT %(a)s::text, lower(%(a)s) = lower(%(b)s), length(%(a)s)", {"a": address, "b": first}
            ).fetchone()
            assert row == (address, address.lower() == first.lower(), len(address))
            assert 3 <= len(address) <= 254
