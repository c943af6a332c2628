"""Signing in on an application's page while the password is reset: whoever had the old one allows nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from auth.api import app
from auth.oauth import wiring
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced_about
from tests.integration.auth.ending import closing_service
from tests.integration.auth.house import PASSWORD, attempts
from tests.integration.auth.oauth_server import Browser, Server, answer_in, asked, form_in
from tests.integration.auth.registering import ORIGIN, OTHER_PASSWORD, password_service

type Happening = Callable[[], Awaitable[None]]


class Meanwhile:
    """Checks who somebody is, and lets something happen before it says so."""

    def __init__(self, inner: Any, happens: Happening) -> None:
        self._inner, self._happens = inner, happens

    async def authenticate(self, *shown: Any, **more: Any) -> Any:
        found = await self._inner.authenticate(*shown, **more)
        await self._happens()
        return found


@pytest.fixture
def reset(served: Server, auth_database: Database, redis_client: Redis) -> Happening:
    """Resets the owner's password."""

    async def happens() -> None:
        passwords = password_service(auth_database, served.house, attempts(redis_client))
        await passwords.forgot(served.house.email, origin=ORIGIN)
        mail = (await announced_about(auth_database, served.house.user_id))[-1]
        await passwords.reset(str(mail.data["token"]), OTHER_PASSWORD)

    return happens


def between_password_and_second_factor(served: Server, _: Any, happens: Happening) -> None:
    served.factors.authentication._passwords = Meanwhile(served.factors.authentication._passwords, happens)


def between_all_factors_and_the_page(_: Server, authorizing: Any, happens: Happening) -> None:
    authorizing._authenticates = Meanwhile(authorizing._authenticates, happens)


@pytest.mark.parametrize("moment", [between_password_and_second_factor, between_all_factors_and_the_page])
async def test_a_password_that_is_reset_meanwhile_recognizes_nobody(
    served: Server, reset: Happening, moment: Callable[[Server, Any, Happening], None]
) -> None:
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    moment(served, await app.dependency_overrides[wiring.authorization_service](), reset)

    refused = await browser.sign_in(page, PASSWORD)

    assert refused.status_code == 403
    assert "Allow" not in refused.text
    assert await decided(browser, refused) == 400


async def decided(browser: Browser, page: httpx2.Response) -> int:
    """What becomes of allowing on a page."""
    return (await browser.post({"form": form_in(page), "decision": "allow"})).status_code


async def test_the_new_password_works_on_the_page_that_refused_the_old_one(served: Server, reset: Happening) -> None:
    client, browser = await served.application(), Browser(served)
    authorizing = await app.dependency_overrides[wiring.authorization_service]()
    authenticates = authorizing._authenticates
    page = await browser.get(asked(client))
    between_all_factors_and_the_page(served, authorizing, reset)
    refused = await browser.sign_in(page, PASSWORD)
    authorizing._authenticates = authenticates

    consent = await browser.sign_in(refused, OTHER_PASSWORD)

    code = answer_in(await browser.post({"form": form_in(consent), "decision": "allow"}))["code"]
    assert (await served.exchange(client, code)).status_code == 200


async def test_an_account_that_is_deleted_meanwhile_is_nobodys(
    served: Server, auth_database: Database, redis_client: Redis
) -> None:
    closing = closing_service(auth_database, redis_client, served.clock)
    person = await served.house.person(await served.house.login())
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    authorizing = await app.dependency_overrides[wiring.authorization_service]()
    between_all_factors_and_the_page(served, authorizing, lambda: closing.delete(person))

    refused = await browser.sign_in(page, PASSWORD)

    assert refused.status_code == 403
    assert "Allow" not in refused.text
