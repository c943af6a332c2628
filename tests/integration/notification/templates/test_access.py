"""Whose templates they are, who may do what with them, and what a body may be."""

from typing import Any

import pytest

from llmo_core.ids import new_id
from notification.kinds.models import Channel
from notification.templates import wiring
from notification.wiring import close
from tests.integration.api_caller import problem
from tests.integration.notification.templates.calling import MAIL, Caller, Json, Templating, app, person_of
from tests.integration.organizations import Org
from tests.integration.stores import Postgres

BELOW: list[tuple[str, str, Json | None]] = [
    ("GET", "", None),
    ("DELETE", "", None),
    ("PUT", "/draft", {"parts": MAIL}),
    ("POST", "/publish", {}),
    ("POST", "/rollback", {"version": 1}),
    ("POST", "/preview", {}),
    ("POST", "/test", {}),
    ("GET", "/versions", None),
    ("GET", "/versions/1", None),
]


@pytest.mark.parametrize(("method", "below", "body"), BELOW)
async def test_templates_of_others_are_none(
    writer: Caller, stranger: Caller, method: str, below: str, body: Json | None
) -> None:
    template = await writer.published()
    caller = person_of(stranger.org) if below == "/test" else stranger
    for template_id in (template["id"], new_id()):
        assert problem(await caller(method, f"templates/{template_id}{below}", json=body)) == (404, "unknown_template")
    assert (await writer.done("GET", f"templates/{template['id']}"))["revision"] == 2


async def test_lists_kinds_and_messages_have_nothing_of_others(
    writer: Caller, stranger: Caller, templating: Templating
) -> None:
    await writer.published()
    await writer.published(kind="custom.order", parts={"subject": "x", "body": "x"})
    await writer.published(kind="layout", parts={"html": "<i>own</i>{{ content }}{{ unsubscribe_url }}"})
    assert (await stranger.done("GET", "templates"))["data"] == []
    assert "custom.order" not in {kind["name"] for kind in (await stranger.done("GET", "templates/kinds"))["data"]}
    assert (await templating.rendered(stranger.org)).template_id is None
    shown = await stranger.done("POST", "templates/preview", json={"kind": "credit_low", "channel": "email"})
    assert "<i>own</i>" not in shown["html"]
    assert await templating.store.published(stranger.org.org_id, "credit_low", Channel.EMAIL) == []
    await stranger.template()  # their own


@pytest.mark.parametrize(("method", "below", "body"), [*BELOW, ("POST", "", None)])
async def test_reading_and_writing_need_permission(
    writer: Caller, reader: Caller, method: str, below: str, body: Json | None
) -> None:
    path = f"templates/{(await writer.published())['id']}{below}" if (method, below) != ("POST", "") else "templates"
    given = (
        body if body is not None else {"kind": "credit_low", "channel": "sms", "locale": "en", "parts": {"text": "x"}}
    )
    nobody = Caller(writer.org, permissions=frozenset({"usage:read"}))
    assert problem(await nobody(method, path, json=given)) == (403, "missing_permission")
    answer = await reader(method, path, json=given)
    if method == "GET" or below == "/preview":
        assert answer.status_code == 200
    else:
        assert problem(answer) == (403, "missing_permission")
    for others in ("templates", "templates/kinds"):
        assert problem(await nobody("GET", others)) == (403, "missing_permission")
        assert (await reader("GET", others)).status_code == 200


async def test_a_list_can_be_of_a_kind_a_channel_and_a_language(writer: Caller) -> None:
    for kind, channel, locale in (
        ("credit_low", "sms", "en"),
        ("credit_low", "sms", "de"),
        ("credit_low", "push", "de"),
        ("custom.x", "sms", "de"),
    ):
        parts = {"text": "x"} if channel == "sms" else {"title": "x", "body": "x"}
        await writer.template(kind=kind, channel=channel, locale=locale, parts=parts)

    async def listed(**query: str) -> list[tuple[str, str, str]]:
        page = await writer.done("GET", "templates", params=query)
        return [(each["kind"], each["channel"], each["locale"]) for each in page["data"]]

    assert len(await listed()) == 4
    assert await listed(kind="custom.x") == [("custom.x", "sms", "de")]
    assert await listed(channel="push") == [("credit_low", "push", "de")]
    assert await listed(kind="credit_low", locale="de") == [("credit_low", "push", "de"), ("credit_low", "sms", "de")]
    first = await writer.done("GET", "templates", params={"channel": "sms", "limit": "2"})
    rest = await writer.done("GET", "templates", params={"channel": "sms", "cursor": first["next_cursor"]})
    assert [each["kind"] for each in first["data"] + rest["data"]] == ["custom.x", "credit_low", "credit_low"]
    assert rest["next_cursor"] is None
    assert problem(await writer("GET", "templates", params={"cursor": "?"})) == (400, "malformed_cursor")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"kind": "reset_password"}, 400, "not_yours"),
        ({"kind": "new_sign_in"}, 400, "not_yours"),
        ({"kind": "nothing"}, 400, "no_such_kind"),
        ({"kind": "template_test"}, 400, "no_such_kind"),
        ({"kind": "layout", "channel": "sms"}, 400, "unfitting_wording"),
        ({"parts": {}}, 400, "unfitting_wording"),
        ({"parts": MAIL | {"text": "x"}}, 400, "unfitting_wording"),
        ({"parts": MAIL | {"subject": "x" * 2_001}}, 400, "unfitting_wording"),
        ({"variables": [{"name": "x", "example": 1}]}, 400, "unfitting_wording"),
        ({"kind": "custom.x", "variables": [{"name": "person", "example": 1}]}, 422, "malformed_request"),
        ({"kind": "custom.x", "variables": [{"name": "x", "example": "\0"}]}, 422, "malformed_request"),
        (
            {"kind": "custom.x", "variables": [{"name": f"x{n}", "example": 1} for n in range(51)]},
            422,
            "malformed_request",
        ),
        ({"kind": "Custom"}, 422, "malformed_request"),
        ({"kind": "custom." + "x" * 60}, 422, "malformed_request"),
        ({"locale": "de_DE"}, 422, "malformed_request"),
        ({"locale": "qq"}, 422, "malformed_request"),
        ({"channel": "fax"}, 422, "malformed_request"),
        ({"parts": MAIL | {"body": "\0"}}, 422, "malformed_request"),
        ({"parts": MAIL | {"body": "x" * 262_145}}, 422, "malformed_request"),
        ({"parts": MAIL | {"body": "x" * 1_100_000}}, 413, "body_too_large"),
        ({"description": "x" * 501}, 422, "malformed_request"),
        ({"more": 1}, 422, "malformed_request"),
    ],
)
async def test_a_template_is_of_something_that_there_can_be(
    writer: Caller, wrong: Json, status: int, code: str
) -> None:
    body: Json = {"kind": "credit_low", "channel": "email", "locale": "en", "parts": MAIL} | wrong
    assert problem(await writer("POST", "templates", json=body)) == (status, code)


async def test_the_wiring_makes_what_the_api_needs(
    postgres: Postgres, lambda_environment: pytest.MonkeyPatch, org: Org
) -> None:
    for name, value in postgres.environment("llmo_notification").items():
        lambda_environment.setenv(name, value)
    lambda_environment.setenv("APP_URL", "https://console.example")
    assert wiring.template_service not in app.dependency_overrides
    caller: Any = Caller(org)
    try:
        shown = await caller.done("POST", "templates/preview", json={"kind": "credit_low", "channel": "in_app"})
        assert shown["url"].startswith("https://console.example/billing/wallets/")
        assert (await caller.published())["published"] == 1
    finally:
        await close()
