import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.unsubscribing.forms import asks_to_unsubscribe

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="---FormBoundaryjWmhtjORrn"'
# The example of RFC 8058, section 8.3.
EXAMPLE = (
    b"-----FormBoundaryjWmhtjORrn\r\n"
    b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n"
    b"-----FormBoundaryjWmhtjORrn--\r\n"
)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, b"List-Unsubscribe=One-Click"),
        (f"{URLENCODED}; charset=UTF-8", b"List-Unsubscribe=One-Click"),
        (MULTIPART, EXAMPLE),
    ],
)
def test_mail_programs_ask_in_either_form(content_type: str, body: bytes) -> None:
    assert asks_to_unsubscribe(content_type, body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b"List-Unsubscribe=One-Click"),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        (URLENCODED, b""),
        (URLENCODED, b"List-Unsubscribe=Two-Clicks"),
        (MULTIPART, EXAMPLE.replace(b"One-Click", b"No")),
        (MULTIPART, EXAMPLE.replace(b'name="List-', b'name="Other-')),
        ("multipart/form-data", EXAMPLE),
        (f"{MULTIPART}\r\nx: y", EXAMPLE),
    ],
)
def test_nothing_else_asks(content_type: str, body: bytes) -> None:
    assert not asks_to_unsubscribe(content_type, body)


@given(st.text(max_size=60), st.binary(max_size=200))
def test_whatever_is_posted_is_read_without_a_fault(content_type: str, body: bytes) -> None:
    assert not asks_to_unsubscribe(content_type, body)
    assert not asks_to_unsubscribe("multipart/form-data; boundary=" + content_type, body)
