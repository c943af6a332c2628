"""Events of an organization's own products, from a web page that holds a key to what is asked about them."""

from uuid import uuid4

import openai
import pytest

from tests.e2e.platform import Platform, ask

EVENTS = "/api/v1/analytics/events"


async def test_a_web_page_appends_events_with_its_key_and_gets_nowhere_else(platform: Platform) -> None:
    key = (await platform.make_key(permissions=["events:write"])).text
    someone = uuid4().hex
    batch = {
        "events": [
            {"id": uuid4().hex, "name": "signup.started", "user_id": someone, "timestamp": "2020-01-01T00:00:00Z"},
            {"id": uuid4().hex, "name": "signup.started", "user_id": someone},
            {"id": uuid4().hex, "name": "signup.completed", "user_id": someone, "properties": {"plan": "pro"}},
        ]
    }
    asked = {"origin": "https://shop.example", "access_control_request_method": "POST"}

    preflight = await platform.call("OPTIONS", f"{EVENTS}/batch", api_key=None, **asked)
    tracked = await platform.call("POST", f"{EVENTS}/batch", api_key=key, json=batch, origin=asked["origin"])

    assert preflight.status < 300
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert tracked.headers["access-control-allow-origin"] == "*"
    assert [each["status"] for each in tracked.json()["results"]] == ["invalid", "accepted", "accepted"]
    for path in (EVENTS, "/api/v1/analytics/usage", "/api/v1/api-keys", "/api/v1/me"):
        assert (await platform.call("GET", path, api_key=key)).status == 403, path
    with pytest.raises(openai.AuthenticationError):
        await platform.client(key).chat.completions.create(model="gpt-4o-mini", messages=ask("Hello"))

    listed = (await platform.call("GET", f"{EVENTS}?user_id={someone}")).json()["data"]
    assert {(each["name"], each["origin"]) for each in listed} == {
        ("signup.started", "browser"),
        ("signup.completed", "browser"),
    }


async def test_a_person_who_is_erased_is_in_no_answer(platform: Platform) -> None:
    someone = uuid4().hex
    await platform.call("POST", EVENTS, json={"id": uuid4().hex, "name": "page.viewed", "user_id": someone})

    erased = await platform.call("DELETE", f"/api/v1/analytics/users/{someone}")

    assert erased.json()["events"] == 1
    assert (await platform.call("GET", f"{EVENTS}?user_id={someone}")).json()["data"] == []
