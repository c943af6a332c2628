"""Webhooks over the management API."""

from base64 import b64decode
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from integration.webhook_messages.catalogue import EventType
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import Receiver, Worker, deliveries

URL = "https://hooks.example.com/llmo"
PLAIN: dict[str, Any] = {"url": URL, "event_types": ["batch.completed"]}


async def test_a_new_webhook_shows_its_secret_once(caller: Caller) -> None:
    made = await caller("POST", "webhooks", json={**PLAIN, "description": "Operations"})

    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    webhook = made.json()
    assert webhook["secret"].startswith("whsec_")
    assert len(b64decode(webhook["secret"].removeprefix("whsec_"), validate=True)) == 32
    shown = (await caller("GET", f"webhooks/{webhook['id']}")).json()
    assert webhook == {**shown, "secret": webhook["secret"]}
    assert (shown["url"], shown["enabled"], shown["disabled_reason"]) == (URL, True, None)
    assert (await caller("GET", "webhooks")).json() == {"data": [shown], "next_cursor": None}


async def test_a_repeated_request_makes_one_webhook_and_shows_the_same_secret(caller: Caller) -> None:
    first, second = [await caller("POST", "webhooks", json=PLAIN, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert first.json() == second.json()
    assert second.headers["x-llmo-idempotent-replay"] == "true"
    assert len((await caller("GET", "webhooks")).json()["data"]) == 1


async def test_the_list_goes_on_where_a_page_ends(caller: Caller) -> None:
    made = [(await caller.webhook())["id"] for _ in range(3)]
    first = (await caller("GET", "webhooks", params={"limit": 2})).json()
    rest = (await caller("GET", "webhooks", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [each["id"] for each in first["data"] + rest["data"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert (await caller("GET", "webhooks", params={"cursor": "?"})).status_code == 400


async def test_a_webhook_is_changed_if_it_is_still_the_one_that_was_read(
    caller: Caller, management: Management
) -> None:
    path = f"webhooks/{(await caller.webhook())['id']}"
    change = {"url": "HTTPS://Hooks.Example.com:8443/x?token=1", "event_types": ["batch.failed", "batch.failed"]}
    changed = await caller("PATCH", path, json=change, headers={"If-Match": '"1"'})
    stale = await caller("PATCH", path, json={"enabled": False}, headers={"If-Match": '"1"'})

    assert (changed.status_code, changed.headers["etag"], stale.status_code) == (200, '"2"', 412)
    assert changed.json()["url"] == "https://hooks.example.com:8443/x?token=1"
    assert changed.json()["event_types"] == ["batch.failed"]
    assert (await caller("PATCH", path, json={})).json() == changed.json()
    told = [each for each in await management.announced(caller.org.org_id) if ".webhook." in each.type]
    assert [each.type.rpartition(".")[2] for each in told] == ["created", "changed"]
    assert told[1].data["changed"] == ["event_types", "url"]
    assert "token" not in str(told)


async def test_a_removed_webhook_is_gone_with_its_secrets_and_its_url(caller: Caller, management: Management) -> None:
    webhook = await caller.webhook("https://hooks.example.com/llmo?token=bearer")
    path = f"webhooks/{webhook['id']}"
    await caller("POST", f"{path}/rotate-secret")
    assert (await caller("DELETE", path)).status_code == 204

    assert [(await caller("GET", path)).status_code, (await caller("DELETE", path)).status_code] == [404, 404]
    assert (await caller("GET", "webhooks")).json()["data"] == []
    async with management.database.transaction(caller.org.org_id) as connection:
        found = await connection.execute(
            "SELECT data_key, secret, previous_data_key, previous_secret, nullif(url, '') FROM integration.webhooks"
        )
        assert [set(row.values()) for row in await found.fetchall()] == [{None}]
    assert (await management.announced(caller.org.org_id))[-1].type == "llmo.integration.webhook.removed"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://db.internal/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#x",
        "https://hooks.example.com/a/../b",
        "https://hooks.example.com:70000/",
        "ftp://hooks.example.com/",
        "https://hooks.example.com/x y",
    ],
)
async def test_a_url_that_leads_nowhere_public_is_refused(caller: Caller, management: Management, url: str) -> None:
    management.private = False
    made = await caller("POST", "webhooks", json={**PLAIN, "url": url})
    assert (made.status_code, made.json()["type"]) == (400, "urn:llmo:problem:unusable_webhook_url")
    path = f"webhooks/{(await caller.webhook(URL))['id']}"
    assert (await caller("PATCH", path, json={"url": url})).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": URL},
        {**PLAIN, "url": ""},
        {**PLAIN, "url": "https://example.com/" + "x" * 500},
        {**PLAIN, "event_types": []},
        {**PLAIN, "event_types": ["usage.recorded"]},
        {**PLAIN, "event_types": ["llmo.auth.password.reset_requested"]},
        {**PLAIN, "event_types": ["*"]},
        {**PLAIN, "event_types": "batch.completed"},
        {**PLAIN, "enabled": "yes"},
        {**PLAIN, "description": "x" * 201},
        {**PLAIN, "description": "a\x00b"},
        {**PLAIN, "secret": "whsec_mine"},
    ],
)
async def test_a_body_that_is_no_webhook_is_malformed(caller: Caller, body: dict[str, Any]) -> None:
    assert (await caller("POST", "webhooks", json=body)).status_code == 422


@pytest.mark.parametrize("change", [{"url": None}, {"event_types": []}, {"enabled": None}, {"secret": "x"}])
async def test_a_change_that_makes_no_sense_is_malformed(caller: Caller, change: dict[str, Any]) -> None:
    path = f"webhooks/{(await caller.webhook())['id']}"
    assert (await caller("PATCH", path, json=change)).status_code == 422


async def test_an_organization_has_twenty_webhooks_at_most(caller: Caller, stranger: Caller) -> None:
    made = [await caller.webhook() for _ in range(20)]
    refused = await caller("POST", "webhooks", json=PLAIN)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:too_many_webhooks")
    await stranger.webhook()
    await caller("DELETE", f"webhooks/{made[0]['id']}")
    await caller.webhook()


async def test_what_can_be_subscribed_to_is_listed_with_a_description(caller: Caller) -> None:
    listed = (await caller("GET", "webhooks/event-types")).json()["data"]

    assert [each["type"] for each in listed] == [*EventType]
    assert all(each["description"] for each in listed)


async def test_a_test_event_is_sent_now_and_its_outcome_answered(caller: Caller, receiver: Receiver) -> None:
    webhook = await caller.webhook(receiver.url(), enabled=False)
    receiver.statuses["/hooks"] = [204, 500]
    good, bad = [(await caller("POST", f"webhooks/{webhook['id']}/test")).json() for _ in range(2)]

    assert (good["delivered"], good["status"], good["problem"]) == (True, 204, None)
    assert (bad["delivered"], bad["status"]) == (False, 500)
    assert "HTTP 500" in bad["problem"]
    headers, body = receiver.got["/hooks"][0]
    assert headers["webhook-id"] == good["event_id"]
    assert Webhook(webhook["secret"]).verify(body, dict(headers))["type"] == "webhook.test"
    assert await deliveries(caller, webhook) == []
    assert (await caller("GET", f"webhooks/{webhook['id']}")).json()["failing_since"] is None


async def test_a_test_of_a_receiver_that_is_not_there_says_so(caller: Caller) -> None:
    webhook = await caller.webhook("http://127.0.0.1:9/hooks")
    tried = (await caller("POST", f"webhooks/{webhook['id']}/test")).json()

    assert (tried["delivered"], tried["status"], tried["problem"]) == (
        False,
        None,
        "Nobody answers at the host and port.",
    )


async def test_deliveries_are_listed_in_pages(caller: Caller, management: Management, receiver: Receiver) -> None:
    webhook, worker = await caller.webhook(receiver.url()), Worker(management)
    for _ in range(3):
        await worker.told(caller.org)
    path = f"webhooks/{webhook['id']}/deliveries"
    first = (await caller("GET", path, params={"limit": 2})).json()
    rest = (await caller("GET", path, params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [len(first["data"]), len(rest["data"]), rest["next_cursor"]] == [2, 1, None]
    ids = [each["id"] for each in first["data"] + rest["data"]]
    assert ids == sorted(ids, reverse=True)


async def test_no_route_shows_or_changes_anything_of_another_organization(
    caller: Caller, stranger: Caller, management: Management, receiver: Receiver
) -> None:
    webhook, worker = await caller.webhook(receiver.url()), Worker(management)
    await worker.told(caller.org)
    [delivery] = await deliveries(caller, webhook)
    own = await stranger.webhook()
    path = f"webhooks/{webhook['id']}"
    before = (await caller("GET", path)).json(), await deliveries(caller, webhook)
    answers = [
        await stranger("GET", path),
        await stranger("PATCH", path, json={"enabled": False}),
        await stranger("DELETE", path),
        await stranger("POST", f"{path}/rotate-secret"),
        await stranger("POST", f"{path}/test"),
        await stranger("GET", f"{path}/deliveries"),
        await stranger("POST", f"{path}/deliveries/{delivery['id']}/retry"),
        await stranger("POST", f"webhooks/{own['id']}/deliveries/{delivery['id']}/retry"),
        await caller("POST", f"{path}/deliveries/{uuid4()}/retry"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 9
    assert ((await caller("GET", path)).json(), await deliveries(caller, webhook)) == before
    assert [each["id"] for each in (await stranger("GET", "webhooks")).json()["data"]] == [own["id"]]
    assert receiver.got == {}


@pytest.mark.parametrize(
    ("permissions", "reads", "writes"),
    [({"webhooks:read"}, 200, 403), ({"webhooks:write"}, 403, 201), ({"models:write"}, 403, 403)],
)
async def test_reading_and_writing_are_permissions_of_their_own(
    caller: Caller, permissions: set[str], reads: int, writes: int
) -> None:
    limited = Caller(caller.org, permissions=frozenset(permissions))

    assert (await limited("GET", "webhooks")).status_code == reads
    assert (await limited("GET", "webhooks/event-types")).status_code == reads
    assert (await limited("POST", "webhooks", json=PLAIN)).status_code == writes
