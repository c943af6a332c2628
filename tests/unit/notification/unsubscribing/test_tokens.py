import base64
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.address_hashes import address_hash
from notification.kinds.models import CRITICAL, Category, Channel
from notification.unsubscribing.tokens import LIFE, UnsubscribeLinks, Unsubscription, UnusableLink

PEPPER = b"pepper"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ORG, USER = UUID(int=1), UUID(int=2)
LIMITED = sorted(frozenset(Category) - CRITICAL)


class Standing:
    def __init__(self, moment: datetime = NOW) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


def links(*, pepper: bytes = PEPPER, at: datetime = NOW) -> UnsubscribeLinks:
    return UnsubscribeLinks(public_url="https://llmo.example", pepper=pepper, clock=Standing(at))


def token(org_id: UUID | None = ORG, user_id: UUID | None = USER, category: Category = Category.UPDATES) -> str:
    url = links().unsubscribe_url(org_id=org_id, user_id=user_id, address="Ada@Example.com", category=category)
    assert url is not None
    found = re.fullmatch(r"https://llmo\.example/unsubscribe/([A-Za-z0-9_-]+)", url)
    assert found is not None
    return found[1]


@given(st.none() | st.uuids(), st.none() | st.uuids(), st.sampled_from(LIMITED))
def test_a_link_says_who_wants_no_more_of_what(org_id: UUID | None, user_id: UUID | None, category: Category) -> None:
    assert links().read(token(org_id, user_id, category)) == Unsubscription(
        org_id=org_id,
        user_id=user_id,
        address_hash=None if user_id is not None else address_hash("ada@example.com", PEPPER),
        category=category,
        channel=Channel.EMAIL,
    )


@pytest.mark.parametrize("category", sorted(CRITICAL))
def test_there_is_no_link_for_what_nobody_can_mute(category: Category) -> None:
    assert links().unsubscribe_url(org_id=None, user_id=USER, address="a@b.example", category=category) is None


def test_a_link_names_no_address() -> None:
    text = base64.urlsafe_b64decode(token(user_id=None) + "==")
    assert b"ada" not in text.lower()


@given(st.data())
def test_a_link_in_which_anything_was_changed_is_none(data: st.DataObject) -> None:
    signed = bytearray(base64.urlsafe_b64decode(token(user_id=None) + "=="))
    position = data.draw(st.integers(0, len(signed) - 1))
    signed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UnusableLink):
        links().read(base64.urlsafe_b64encode(signed).decode().rstrip("="))


@given(st.text() | st.text("AZaz09-_", max_size=300))
def test_what_was_never_a_link_is_none(text: str) -> None:
    with pytest.raises(UnusableLink):
        links().read(text)


def test_links_of_another_deployment_and_old_ones_are_none() -> None:
    with pytest.raises(UnusableLink):
        links(pepper=b"another").read(token())
    assert links(at=NOW + LIFE - timedelta(seconds=1)).read(token()).user_id == USER
    with pytest.raises(UnusableLink):
        links(at=NOW + LIFE).read(token())


@given(st.emails())
def test_an_address_is_known_again_however_it_is_written(address: str) -> None:
    assert address_hash(f" {address.upper()} ", PEPPER) == address_hash(address.lower(), PEPPER)
