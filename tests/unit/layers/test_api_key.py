import hashlib
import hmac
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llmo_auth import api_key

BASE62 = string.digits + string.ascii_letters
org_refs = st.text(BASE62, min_size=10, max_size=10)


@given(org_refs)
def test_a_generated_key_has_the_documented_shape_and_is_read_back(org_ref: str) -> None:
    key = api_key.generate(org_ref)

    prefix, ref, secret = key.text.split("_")
    assert (prefix, ref, len(secret)) == ("llmo", org_ref, 36)
    assert set(secret) <= set(BASE62)
    assert api_key.parse(key.text) == key


@given(org_refs, st.data())
def test_a_changed_character_is_noticed(org_ref: str, data: st.DataObject) -> None:
    text = api_key.generate(org_ref).text
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from(BASE62 + "_"))
    assume(text[at] != wrong)

    assert api_key.parse(text[:at] + wrong + text[at + 1 :]) is None


@given(org_refs, st.data())
def test_two_characters_that_changed_places_are_noticed(org_ref: str, data: st.DataObject) -> None:
    text = api_key.generate(org_ref).text
    at = data.draw(st.integers(16, len(text) - 2))
    assume(text[at] != text[at + 1])

    assert api_key.parse(text[:at] + text[at + 1] + text[at] + text[at + 2 :]) is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "{}0", "x{}"])
def test_nothing_may_stand_around_a_key(around: str) -> None:
    assert api_key.parse(around.format(api_key.generate("Org0000001").text)) is None


@given(st.text())
def test_other_text_is_no_key(text: str) -> None:
    assert api_key.parse(text) is None


def test_what_is_stored_is_the_hmac_sha256_of_the_key() -> None:
    key = api_key.generate("Org0000001")

    assert key.digest(b"pepper") == hmac.new(b"pepper", key.text.encode(), hashlib.sha256).hexdigest()
    assert key.digest(b"pepper") != key.digest(b"other")


def test_a_key_does_not_show_in_its_representation() -> None:
    key = api_key.generate("Org0000001")

    assert key.text not in repr(key)
    assert key.text[-36:] not in f"{key}"


def test_keys_and_references_do_not_repeat() -> None:
    assert len({api_key.generate("Org0000001").text for _ in range(100)}) == 100
    assert len({api_key.new_org_ref() for _ in range(100)}) == 100
