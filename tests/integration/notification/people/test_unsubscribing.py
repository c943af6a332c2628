"""Unsubscribing with one click: what people open, and what mail programs post (RFC 8058)."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from llmo_core.ids import new_id
from notification.address_hashes import address_hash
from notification.kinds.models import Category, Channel
from tests.integration.notification.people.calling import Own, Somebody, app
from tests.integration.organizations import PEPPER, MakeOrg, Org

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def call(method: str, url: str, **options: Any) -> httpx2.Response:
    """As anybody, without credentials."""

    async def unauthorized(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "aws.event": {"requestContext": {}}}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=unauthorized)) as client:
        return await client.request(method, url, **options)


def link(own: Own, org: Org | None, user_id: UUID | None, category: Category = Category.UPDATES) -> str:
    org_id = org.org_id if org is not None else None
    url = own.links.unsubscribe_url(org_id=org_id, user_id=user_id, address="ada@example.com", category=category)
    assert url is not None
    return url


async def chosen(own: Own, user_id: UUID) -> Any:
    return (await own.preferences.choices_of([user_id]))[user_id].channels


async def test_opening_a_link_changes_nothing_and_is_answered_with_a_button(own: Own, org: Org) -> None:
    url = link(own, org, org.user_id)
    for method in ("GET", "HEAD", "GET"):
        answer = await call(method, url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<form method="post">' in answer.text
    assert 'name="List-Unsubscribe" value="One-Click"' in answer.text
    assert await chosen(own, org.user_id) == {}


async def test_one_post_ends_the_mail_of_a_category_and_a_second_changes_nothing_more(own: Own, org: Org) -> None:
    url = link(own, org, org.user_id)
    first = await call("POST", url, data=ONE_CLICK)
    assert first.status_code == 200
    assert "set-cookie" not in first.headers
    assert (await call("POST", url, files={"List-Unsubscribe": (None, "One-Click")})).status_code == 200

    assert await chosen(own, org.user_id) == {Category.UPDATES: {Channel.EMAIL: False}}
    assert (await own.preferences.of_user(org.user_id)).revision == 2


async def test_what_was_chosen_otherwise_stays(own: Own, ada: Somebody, org: Org) -> None:
    await ada("PUT", "/preferences", json={"locale": "de", "channels": {"updates": {"push": True, "email": True}}})
    await call("POST", link(own, org, ada.user_id), data=ONE_CLICK)
    now = (await own.preferences.choices_of([ada.user_id]))[ada.user_id]
    assert now.locale == "de"
    assert now.channels == {Category.UPDATES: {Channel.PUSH: True, Channel.EMAIL: False}}


async def test_an_address_without_an_account_is_muted_for_the_organization_that_wrote(
    own: Own, org: Org, make_org: MakeOrg
) -> None:
    address = address_hash("ada@example.com", PEPPER.encode())
    other = await make_org()
    assert (await call("POST", link(own, org, None), data=ONE_CLICK)).status_code == 200
    assert await own.preferences.muted_addresses(org.org_id, Category.UPDATES, [address]) == {address}
    assert await own.preferences.muted_addresses(other.org_id, Category.UPDATES, [address]) == set()
    assert (await call("POST", link(own, None, None, Category.REPORTS), data=ONE_CLICK)).status_code == 200
    assert await own.preferences.muted_addresses(None, Category.REPORTS, [address]) == {address}


async def test_a_post_that_does_not_ask_changes_nothing(own: Own, org: Org) -> None:
    for options in ({}, {"data": {"List-Unsubscribe": "No"}}, {"json": ONE_CLICK}):
        assert (await call("POST", link(own, org, org.user_id), **options)).status_code == 400
    too_large = await call("POST", link(own, org, org.user_id), data={**ONE_CLICK, "more": "x" * 9000})
    assert too_large.status_code == 413
    assert await chosen(own, org.user_id) == {}


async def test_links_that_are_old_or_made_up_lead_to_a_page_that_says_so(own: Own) -> None:
    url = link(own, None, new_id())
    own.clock.forward(days=366)
    for dead in (url, url[:-4] + "AAAA", "https://llmo.example/unsubscribe/x"):
        for method, options in (("GET", {}), ("POST", {"data": ONE_CLICK})):
            answer = await call(method, dead, **options)
            assert answer.status_code == 404
            assert "This link does not work" in answer.text


@pytest.mark.parametrize(
    ("accepted", "text"), [("de-AT,en;q=0.5", "Abbestellen"), ("fr", "Se désabonner"), ("", "Unsub")]
)
async def test_people_read_their_own_language(own: Own, accepted: str, text: str) -> None:
    answer = await call("GET", link(own, None, new_id()), headers={"accept-language": accepted})
    assert text in answer.text


async def test_no_other_site_shows_the_page_and_nothing_keeps_it(own: Own) -> None:
    headers = (await call("GET", link(own, None, new_id()))).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
