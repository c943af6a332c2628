"""The pages behind the links of mails, over HTTP on the real stores: following a link changes nothing."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.api import app
from auth.mailed_links import wiring
from auth.registration import wiring as registration
from auth.sign_in.models import InvalidCredentials
from tests.integration.auth.announcements import announced
from tests.integration.auth.colleagues import Colleague
from tests.integration.auth.house import ISSUER, PASSWORD
from tests.integration.auth.oauth_server import given
from tests.integration.auth.registering import ORIGIN, OTHER_PASSWORD, Desk
from tests.integration.auth.tenancy import request, wire
from tests.integration.auth.test_oauth_pages import guarded
from tests.integration.organizations import Org

CHECKED = ["/verify-email", "/reset-password"]
EVERY = [*CHECKED, "/confirm-email", "/invitations"]
ORG = "01987654-0000-7000-8000-000000000001"
HOSTILE = ['"><script>alert(1)</script>', "'; rm -rf ~ #", "<b>bold</b>", "a b", "x" * 500, "\x00", "ü", ""]


@pytest.fixture(autouse=True)
def wired(desk: Desk, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, desk.database, redis_client, desk.home.clock)
    monkeypatch.setitem(app.dependency_overrides, wiring.api_url, given(ISSUER))
    monkeypatch.setitem(app.dependency_overrides, registration.registration_service, given(desk.registrations))
    monkeypatch.setitem(app.dependency_overrides, registration.password_service, given(desk.passwords))


async def ask(method: str, path: str, **options: Any) -> httpx2.Response:
    """One request of a browser; every answer is a page that is safe, and remembers nobody."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as browser:
        answer = await browser.request(method, path, **options)
    assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
    assert "set-cookie" not in answer.headers
    guarded(answer)
    return answer


async def follow(path: str, token: str, **options: Any) -> httpx2.Response:
    return await ask("GET", path, params={"token": token}, **options)


async def submit(page: httpx2.Response, **filled_in: str) -> httpx2.Response:
    """Press the button of a page."""
    action = re.search(r'<form method="post" action="([^"]+)">', page.text)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert action is not None
    assert token is not None
    return await ask("POST", f"/{action[1]}", data={"token": token[1], **filled_in})


def explained(page: httpx2.Response, *lines: str) -> None:
    """Fail unless a page shows how to sign in, and what to send then."""
    assert page.status_code == 200
    assert "<form" not in page.text
    for line in (f"POST {ISSUER}/api/v1/auth/login", *lines):
        assert line in unescape(page.text)


async def choose(page: httpx2.Response, password: str, again: str | None = None) -> httpx2.Response:
    return await submit(page, password=password, password_again=password if again is None else again)


@pytest.fixture
def owner(org: Org) -> Colleague:
    """The owner of an organization."""
    return Colleague(org.org_id, org.user_id)


@pytest_asyncio.fixture
async def verification(desk: Desk) -> str:
    """The token of somebody who registered."""
    await desk.register()
    return await desk.token()


@pytest_asyncio.fixture
async def forgotten(known: Desk) -> str:
    """The token of somebody who forgot their password."""
    await known.passwords.forgot(known.email, origin=ORIGIN)
    return await known.token()


async def test_pressing_the_button_opens_the_account(desk: Desk, verification: str) -> None:
    page = await follow("/verify-email", verification)
    assert page.status_code == 200
    assert desk.email in page.text

    done = await submit(page)

    assert done.status_code == 200
    assert f"POST {ISSUER}/api/v1/auth/login" in done.text
    await desk.home.login()


async def test_following_the_link_of_a_registration_opens_no_account(desk: Desk, verification: str) -> None:
    for _ in range(3):
        assert (await follow("/verify-email", verification)).status_code == 200

    with pytest.raises(InvalidCredentials):
        await desk.home.login()
    await desk.registrations.verify(verification)


async def test_pressing_the_button_twice_says_that_one_may_have_an_account_already(verification: str) -> None:
    page = await follow("/verify-email", verification)
    await submit(page)

    for again in (await submit(page), await follow("/verify-email", verification)):
        assert again.status_code == 404
        assert "If your address is confirmed, you can sign in" in again.text
        assert f"POST {ISSUER}/api/v1/auth/resend-verification" in again.text


async def test_filling_in_a_password_twice_sets_it(known: Desk, forgotten: str) -> None:
    page = await follow("/reset-password", forgotten)
    assert page.status_code == 200

    done = await choose(page, OTHER_PASSWORD)

    assert done.status_code == 200
    assert OTHER_PASSWORD not in done.text
    await known.home.login(OTHER_PASSWORD)
    with pytest.raises(InvalidCredentials):
        await known.home.login(PASSWORD)


async def test_following_the_link_of_a_forgotten_password_leaves_it_as_it_is(known: Desk, forgotten: str) -> None:
    pair = await known.home.login()
    for _ in range(3):
        assert (await follow("/reset-password", forgotten)).status_code == 200

    await known.home.login()
    await known.home.refresh(pair)
    await known.passwords.reset(forgotten, OTHER_PASSWORD)


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [
        (OTHER_PASSWORD, OTHER_PASSWORD + "!", "The two passwords differ."),
        (OTHER_PASSWORD, "", "The two passwords differ."),
        ("", "", "A password has 8 to 128 characters."),
        ("password123", "password123", "This password is one of the most common ones."),
        ("{email}", "{email}", "A password must not be your own e-mail address."),
    ],
)
async def test_a_password_that_is_refused_may_be_replaced_by_a_better_one(
    known: Desk, forgotten: str, password: str, again: str, told: str
) -> None:
    page = await follow("/reset-password", forgotten)
    email = known.email

    refused = await choose(page, password.format(email=email), again.format(email=email))

    assert refused.status_code == 400
    assert told in refused.text
    assert (await choose(refused, OTHER_PASSWORD)).status_code == 200
    await known.home.login(OTHER_PASSWORD)


async def test_a_link_that_expired_says_how_to_get_another(known: Desk, forgotten: str) -> None:
    page = await follow("/reset-password", forgotten)
    known.home.clock.advance(minutes=30)

    posted = [await choose(page, OTHER_PASSWORD), await choose(page, OTHER_PASSWORD, "another")]

    for answer in (await follow("/reset-password", forgotten), *posted):
        assert answer.status_code == 404
        assert f"POST {ISSUER}/api/v1/auth/forgot-password" in answer.text
    await known.home.login()


async def test_a_token_for_something_else_is_none(desk: Desk, verification: str) -> None:
    page = await follow("/reset-password", verification)
    posted = await ask("POST", "/reset-password", data={"token": verification, "password": "x", "password_again": "x"})

    assert (page.status_code, posted.status_code) == (404, 404)
    await desk.registrations.asked(verification)


async def test_giving_ones_account_another_address_is_explained() -> None:
    page = await follow("/confirm-email", "a-token_1")

    explained(page, f"POST {ISSUER}/api/v1/me/email/confirm", '{"token": "a-token_1"}')


async def test_joining_is_explained_until_somebody_has_joined(owner: Colleague, known: Desk) -> None:
    assert (await owner("POST", "invitations", json={"email": known.email, "role": "viewer"})).status_code == 201
    [*_, mailed] = await announced(known.database, owner.org_id)
    token = mailed.data["token"]

    for _ in range(2):
        page = await follow("/invitations", token)
        assert known.email in page.text
        explained(page, f"POST {ISSUER}/api/v1/orgs/{owner.org_id}/members", f'{{"invitation_token": "{token}"}}')

    guest = await known.home.person(await known.home.login())
    joined = await request(guest, "POST", f"/api/v1/orgs/{owner.org_id}/members", json={"invitation_token": token})
    assert joined.status_code == 201, joined.text
    assert (await follow("/invitations", token)).status_code == 404


async def test_an_invitation_that_is_none_is_told_apart_by_nobody(owner: Colleague, known: Desk) -> None:
    invited = await owner("POST", "invitations", json={"email": known.email, "role": "viewer"})
    token = (await announced(known.database, owner.org_id))[-1].data["token"]
    withdrawn = await owner("DELETE", f"invitations/{invited.json()['id']}")
    assert withdrawn.status_code == 204

    answers = [await follow("/invitations", text) for text in (token, f"{owner.org_id}.a-token_1", f"{ORG}.a-token_1")]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert "Ask whoever invited you for another one" in answers[0].text


@pytest.mark.parametrize("path", EVERY)
async def test_a_link_that_is_not_ours_shows_nothing_of_itself(path: str) -> None:
    answers = [await ask("GET", path), await ask("GET", f"{path}?token=%ff%00")]
    answers += [await follow(path, token) for token in HOSTILE]

    for answer in answers:
        assert answer.status_code == 400
        assert "This link is not complete" in answer.text
        assert answer.text == answers[0].text
    assert (await ask("HEAD", path)).status_code == 400  # some programs look whether there is a page


@pytest.mark.parametrize("path", CHECKED)
async def test_a_form_that_makes_no_sense_is_told_so_on_a_page(path: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body in (b"", b"token=", b"token=a&token=b", b"token=%ff", b"token=a%00", b"token=%3Cb%3E", b"x" * 20_000):
        assert (await ask("POST", path, content=body, headers=form)).status_code == 400
    assert (await ask("POST", path, json={"token": "a-token_1"})).status_code == 400


async def test_a_page_is_in_the_readers_language() -> None:
    for path in EVERY:
        for tag, title in (("de-CH,en;q=0.5", "nicht vollständig"), ("fr", "incomplet"), ("es", "not complete")):
            assert title in (await follow(path, "", headers={"accept-language": tag})).text
