"""Budgets and limits of an organization, set over the front door and met at the gateway."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import openai
import pytest

from tests.e2e.platform import Json, Key, Platform, ask, unique


class EndUser:
    """Somebody for whom an application calls models."""

    def __init__(self, platform: Platform, key: Key) -> None:
        self.name = f"user {uuid4().hex}"
        self.spent = Decimal()
        self._client: Any = platform.client(key.text)

    async def spend(self, times: int = 1) -> None:
        """Have so many questions answered that nobody asked before."""
        for _ in range(times):
            raw = await self._client.chat.completions.with_raw_response.create(
                model="gpt-4o-mini", messages=ask(unique()), max_tokens=10, user=self.name
            )
            self.spent += Decimal(raw.headers["x-llmo-cost-usd"])

    async def refused(self, *, within: int) -> openai.RateLimitError:
        """The first refusal of so many questions."""
        with pytest.raises(openai.RateLimitError) as refusal:
            await self.spend(within)
        return refusal.value


@pytest.fixture
def somebody(platform: Platform, key: Key) -> EndUser:
    return EndUser(platform, key)


async def show(platform: Platform, path: str) -> Json:
    shown = await platform.call("GET", f"/api/v1/{path}")
    assert shown.status == 200, shown
    return shown.json()


async def test_an_end_user_who_has_spent_a_days_budget_is_refused_until_it_is_raised(
    platform: Platform, somebody: EndUser
) -> None:
    whom = {"scope": "end_user", "subject": somebody.name}
    budget = await platform.set_up("budgets", name="A day", **whom, window="day", limit_usd="0.0001")
    path = f"budgets/{budget['id']}"
    assert (budget["spent_usd"], budget["held_usd"]) == ("0", "0")

    refusal = await somebody.refused(within=20)

    assert (refusal.code, refusal.type) == ("insufficient_quota", "insufficient_quota")
    shown = await show(platform, path)
    assert (Decimal(shown["spent_usd"]), shown["held_usd"]) == (somebody.spent, "0")
    assert 0 < somebody.spent <= Decimal("0.0001")
    raised = await platform.call("PATCH", f"/api/v1/{path}", json={"limit_usd": "1"}, if_match='"1"')
    assert (raised.status, raised.json()["spent_usd"]) == (200, shown["spent_usd"])
    await somebody.spend()
    assert (await platform.call("DELETE", f"/api/v1/{path}")).status == 204


async def test_what_each_end_user_spent_is_listed(platform: Platform, key: Key, somebody: EndUser) -> None:
    each = {"scope": "end_user", "window": "total", "hard": False}
    budget = await platform.set_up("budgets", name="Each one", **each, limit_usd="0.000001")
    other = EndUser(platform, key)
    await somebody.spend()
    await other.spend(3)

    spending = await show(platform, f"budgets/{budget['id']}/spending")

    listed = [
        (entry["subject"], Decimal(entry["spent_usd"]), entry["held_usd"])
        for entry in spending["data"]
        if entry["subject"] in {somebody.name, other.name}  # others may call meanwhile
    ]
    assert listed == [(other.name, other.spent, "0"), (somebody.name, somebody.spent, "0")]
    assert (await platform.call("DELETE", f"/api/v1/budgets/{budget['id']}")).status == 204


async def test_a_limit_counts_from_the_next_call_on_and_until_it_is_removed(
    platform: Platform, somebody: EndUser
) -> None:
    await somebody.spend()
    whom = {"scope": "end_user", "subject": somebody.name}
    limit = await platform.set_up("limits", name="One a minute", **whom, requests_per_minute=1)

    refusal = await somebody.refused(within=2)

    assert (refusal.code, refusal.type) == ("rate_limit_exceeded", "requests")
    assert (await platform.call("DELETE", f"/api/v1/limits/{limit['id']}")).status == 204
    await somebody.spend()


async def test_settings_and_policies_are_put_where_they_are(platform: Platform) -> None:
    settings = await platform.call("GET", "/api/v1/settings")
    assert settings.json()["time_zone"] == "UTC"
    same = await platform.call("PUT", "/api/v1/settings", json={"time_zone": "UTC"}, if_match=settings.headers["etag"])
    assert (same.status, same.headers["etag"]) == (200, settings.headers["etag"])

    path = f"/api/v1/policies/{uuid4()}"
    made = await platform.call("PUT", path, json={"cache_ttl_seconds": 60})
    assert (made.status, made.headers["etag"]) == (201, '"1"')
    assert (await platform.call("GET", path)).json() == made.json()
    stale = await platform.call("PUT", path, json={}, if_match='"2"')
    assert (stale.status, stale.problem()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")
    assert (await platform.call("DELETE", path)).status == 204
