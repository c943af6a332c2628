"""What clients and browsers are told, as the RFCs want it written."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.oauth import redirects, scopes
from auth.oauth.granting import challenge_of
from auth.oauth.models import InvalidRequest, OAuthRefusal
from auth.oauth.parameters import Parameters
from llmo_auth.principal import Permission

STANDARD = {
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "request_not_supported",
    "request_uri_not_supported",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
}


def test_refusals_have_the_names_and_characters_that_the_rfcs_allow() -> None:
    refusals = [kind() for kind in OAuthRefusal.__subclasses__()]

    assert {refusal.code for refusal in refusals} == STANDARD
    for refusal in refusals:
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", refusal.detail), refusal.detail


def test_the_challenge_is_that_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@given(st.binary(max_size=300))
def test_any_bytes_are_parameters_or_a_refusal(encoded: bytes) -> None:
    try:
        parameters = Parameters.parse(encoded)
    except InvalidRequest:
        return
    for name, value in parameters.pairs:
        assert value in parameters.every(name)


@pytest.mark.parametrize("value", ["", "x", "1" * 32, "00000000-0000-0000-0000-00000000000A"])
def test_an_id_is_ours_only_as_we_write_it(value: str) -> None:
    assert Parameters(pairs=[("client_id", value)]).identifier("client_id") is None


@given(
    st.sampled_from(["https://a.example/b", "https://a.example/b?c=d", "http://127.0.0.1:1/"]),
    st.dictionaries(st.sampled_from(["code", "state", "error_description"]), st.none() | st.text(min_size=1)),
)
def test_an_answer_goes_to_the_address_and_nowhere_else(address: str, parameters: dict[str, str | None]) -> None:
    given_ = {name: value for name, value in parameters.items() if value is not None and value.isprintable()}

    location = redirects.answer(address, given_)

    assert redirects.origin_of(location) == redirects.origin_of(address)
    assert location.isascii()
    registered = parse_qsl(urlsplit(address).query)
    assert parse_qsl(urlsplit(location).query, keep_blank_values=True) == [*registered, *given_.items()]


@given(st.text())
def test_what_may_be_registered_is_one_line_of_ascii_to_one_host(uri: str) -> None:
    for candidate in (uri, f"https://{uri}", f"http://127.0.0.1{uri}"):
        try:
            registered = redirects.registrable(candidate)
        except ValueError:
            continue
        parts = urlsplit(registered)
        assert registered == candidate
        assert registered.isascii()
        assert registered.isprintable()
        assert parts.fragment == ""
        assert parts.username is None
        assert parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}


@pytest.mark.parametrize("scope", [*Permission, "openid", "profile", "email"])
def test_people_read_what_they_allow_in_words(scope: str) -> None:
    assert scopes.in_words(scope) != scope
