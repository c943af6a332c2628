"""Cards over the front door: saved by a browser at Stripe's stand-in, and known here by its signed webhook."""

import asyncio
from uuid import uuid4

from tests.e2e.platform import Json, Platform
from tests.e2e.test_billing import customer_of

BILLING = "/api/v1/billing"
WITHIN_SECONDS = 10
NUMBER = "4242424242424242"


async def cards_of(platform: Platform, api_key: str, count: int) -> list[Json]:
    """An organization's cards, as soon as there are so many."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            answer = await platform.call("GET", f"{BILLING}/payment-methods", api_key=api_key)
            assert answer.status == 200, answer
            found: list[Json] = answer.json()["data"]
            if len(found) == count:
                return found
            await asyncio.sleep(0.05)


async def save_card(platform: Platform, api_key: str, number: str) -> None:
    """Save a card at Stripe's stand-in as a browser does; a webhook tells of it."""
    key = uuid4().hex
    begun = await platform.call("POST", f"{BILLING}/setup-intents", api_key=api_key, idempotency_key=key)
    assert begun.status == 201, begun
    setup = begun.json()
    url = f"{platform.stack.addresses['stripe_url']}/v1/setup_intents/{setup['id']}/confirm"
    form = {"client_secret": setup["client_secret"], "payment_method_data[card][number]": number}
    headers = {"Authorization": f"Bearer {setup['publishable_key']}"}
    async with platform.http.post(url, data=form, headers=headers) as answer:
        assert (await answer.json())["status"] == "succeeded"


async def test_a_card_that_is_saved_at_stripe_is_known_by_its_webhook(platform: Platform) -> None:
    customer = await customer_of(platform)
    await save_card(platform, customer, NUMBER)
    [card] = await cards_of(platform, customer, 1)
    assert (card["brand"], card["last4"], card["default"]) == ("visa", "4242", True)
    assert await cards_of(platform, platform.api_key, 0) == []
    gone = await platform.call("DELETE", f"{BILLING}/payment-methods/{card['id']}", api_key=customer)
    assert gone.status == 204, gone
    assert await cards_of(platform, customer, 0) == []


async def test_a_card_is_saved_on_the_hosted_page(platform: Platform) -> None:
    customer = await customer_of(platform)
    back = {"success_url": f"{platform.base_url}/", "cancel_url": f"{platform.base_url}/"}
    page = await platform.call("POST", f"{BILLING}/checkout-sessions", api_key=customer, json=back)
    assert page.status == 201, page
    async with platform.http.post(page.json()["url"], data={"number": NUMBER}) as done:
        assert str(done.url) == back["success_url"]
    await cards_of(platform, customer, 1)
    portal = {"return_url": f"{platform.base_url}/"}
    shown = await platform.call("POST", f"{BILLING}/portal-sessions", api_key=customer, json=portal)
    async with platform.http.get(shown.json()["url"]) as answer:
        assert "4242" in await answer.text()


async def test_what_is_not_signed_by_stripe_is_refused_at_the_front_door(platform: Platform) -> None:
    event = {"id": f"evt_{uuid4().hex}", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
    for headers in ({}, {"Stripe-Signature": "t=1,v1=" + 64 * "a"}):
        async with platform.http.post(f"{platform.base_url}/webhooks/stripe", json=event, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json(content_type=None))["type"] == "urn:llmo:problem:not_signed_by_stripe"
