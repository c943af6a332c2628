"""Templates: drafts, versions that never change, rollbacks, and what is sent meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege

from notification.contents import EmailContent
from notification.templates.models import MOST_TEMPLATES
from tests.integration.api_caller import problem
from tests.integration.notification.templates.calling import MAIL, Caller, Json, Templating
from tests.integration.organizations import Org
from tests.integration.statements import run

SHIPPED = "Your prepaid credit is running out"


async def subject(templating: Templating, org: Org) -> str:
    content = (await templating.rendered(org)).content
    assert isinstance(content, EmailContent)
    return content.subject


async def draft(caller: Caller, template: Json, **parts: str) -> Json:
    return await caller.done("PUT", f"templates/{template['id']}/draft", json={"parts": MAIL | parts})


async def test_a_template_is_sent_once_it_is_published(writer: Caller, templating: Templating) -> None:
    made = await writer.template(description="For the team")
    assert (made["draft"]["parts"], made["published"], made["newest"], made["revision"]) == (MAIL, None, 0, 1)
    assert await subject(templating, writer.org) == SHIPPED

    published = await writer.publish(made["id"], note="First")
    assert (published["draft"], published["published"], published["newest"], published["revision"]) == (None, 1, 1, 2)
    rendered = await templating.rendered(writer.org)
    assert (str(rendered.template_id), rendered.version) == (made["id"], 1)
    assert isinstance(rendered.content, EmailContent)
    assert "$4.00 left" in rendered.content.text

    version = await writer.done("GET", f"templates/{made['id']}/versions/1")
    assert (version["parts"], version["note"], version["created_by"]) == (MAIL, "First", str(writer.org.key_id))


async def test_a_draft_changes_nothing_that_is_sent(writer: Caller, templating: Templating) -> None:
    template = await writer.published()
    changed = await draft(writer, template, subject="Draft")
    assert (changed["draft"]["parts"]["subject"], changed["revision"]) == ("Draft", 3)
    assert (await draft(writer, template, subject="Draft"))["revision"] == 3
    assert await subject(templating, writer.org) == "Low"


async def test_versions_are_numbered_without_gaps_and_any_can_be_sent_again(
    writer: Caller, templating: Templating
) -> None:
    template = await writer.published()
    for number in (2, 3):
        await draft(writer, template, subject=f"Number {number}")
        assert (await writer.publish(template["id"]))["published"] == number
    assert await subject(templating, writer.org) == "Number 3"

    back = await writer.done("POST", f"templates/{template['id']}/rollback", json={"version": 1})
    assert (back["published"], back["newest"]) == (1, 3)
    assert await subject(templating, writer.org) == "Low"
    again = await writer.done("POST", f"templates/{template['id']}/rollback", json={"version": 1})
    assert again["revision"] == back["revision"]

    await draft(writer, template, subject="Number 4")
    assert (await writer.publish(template["id"]))["published"] == 4
    pages = []
    cursor: str | None = None
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = await writer.done("GET", f"templates/{template['id']}/versions", params=query)
        pages.append([(each["number"], each["parts"]["subject"]) for each in page["data"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == [[(4, "Number 4"), (3, "Number 3"), (2, "Number 2")], [(1, "Low")]]


async def test_a_removed_template_gives_way_to_what_is_shipped(writer: Caller, templating: Templating) -> None:
    template = await writer.published()
    assert (await writer("DELETE", f"templates/{template['id']}")).status_code == 204
    assert await subject(templating, writer.org) == SHIPPED
    assert problem(await writer("GET", f"templates/{template['id']}")) == (404, "unknown_template")
    assert problem(await writer("DELETE", f"templates/{template['id']}")) == (404, "unknown_template")
    assert (await writer.done("GET", "templates"))["data"] == []
    assert (await writer.template())["newest"] == 0  # there may be another one


async def test_two_who_write_do_not_overwrite_each_other(writer: Caller) -> None:
    template = await writer.published()
    path = f"templates/{template['id']}"
    first = await writer("PUT", f"{path}/draft", json={"parts": MAIL | {"subject": "A"}}, headers={"if-match": '"2"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"3"')
    calls: Sequence[tuple[str, str, Json]] = (
        ("PUT", "/draft", {"parts": MAIL}),
        ("POST", "/publish", {}),
        ("POST", "/rollback", {"version": 1}),
        ("DELETE", "", {}),
    )
    for method, below, body in calls:
        answer = await writer(
            method, path + below, headers={"if-match": '"2"'}, **({"json": body} if body else {"json": {}})
        )
        assert problem(answer) == (412, "changed_meanwhile")
    shown = await writer("GET", path)
    assert (shown.headers["etag"], shown.json()["draft"]["parts"]["subject"]) == ('"3"', "A")
    assert (await writer("POST", f"{path}/publish", json={}, headers={"if-match": '"3"'})).headers["etag"] == '"4"'


async def test_what_cannot_be_rendered_is_not_published_and_it_is_said_where(
    writer: Caller, templating: Templating
) -> None:
    template = await writer.template(parts=MAIL | {"body": "<p>\n{{ amount }}</p>\n{{ balance|moment }}"})
    answer = await writer("POST", f"templates/{template['id']}/publish", json={})
    assert problem(answer) == (400, "flawed_template")
    assert answer.json()["errors"] == [
        {"pointer": "/parts/body", "line": 2, "message": "there is no variable `amount`"}
    ]
    await draft(writer, template, body="<p>\n\n{{ balance|moment }}")
    answer = await writer("POST", f"templates/{template['id']}/publish", json={})
    assert problem(answer) == (400, "unrenderable")
    assert answer.json()["errors"][0]["line"] == 3
    assert await subject(templating, writer.org) == SHIPPED


async def test_there_is_nothing_to_publish_without_a_draft_and_no_version_that_was_none(writer: Caller) -> None:
    template = await writer.published()
    path = f"templates/{template['id']}"
    assert problem(await writer("POST", f"{path}/publish", json={})) == (409, "nothing_to_publish")
    assert problem(await writer("POST", f"{path}/rollback", json={"version": 2})) == (404, "unknown_version")
    assert problem(await writer("GET", f"{path}/versions/2")) == (404, "unknown_version")


async def test_there_is_one_template_of_a_kind_on_a_channel_in_a_language(writer: Caller) -> None:
    answers = await asyncio.gather(
        *(
            writer("POST", "templates", json={"kind": "credit_low", "channel": "email", "locale": "en", "parts": MAIL})
            for _ in range(3)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {problem(answer)[1] for answer in answers if answer.status_code == 409} == {"template_exists"}
    await writer.template(locale="de")
    await writer.template(channel="sms", parts={"text": "x"})
    await writer.template(kind="invoice_paid", parts={"subject": "x", "body": "x"})


async def test_a_draft_is_published_once_by_whoever_is_first(writer: Caller) -> None:
    template = await writer.template()
    answers = await asyncio.gather(*(writer("POST", f"templates/{template['id']}/publish", json={}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    versions = await writer.done("GET", f"templates/{template['id']}/versions")
    assert [each["number"] for each in versions["data"]] == [1]


async def test_a_repeated_request_makes_one_template_and_one_version(writer: Caller) -> None:
    body: Json = {"kind": "credit_low", "channel": "email", "locale": "en", "parts": MAIL}
    made = [await writer("POST", "templates", json=body, headers={"idempotency-key": "a"}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    path = f"templates/{made[0].json()['id']}/publish"
    published = [await writer("POST", path, json={}, headers={"idempotency-key": "b"}) for _ in range(2)]
    assert [answer.json()["published"] for answer in published] == [1, 1]


async def test_an_organization_has_so_many_templates_and_no_more(writer: Caller, templating: Templating) -> None:
    async with templating.database.transaction(writer.org.org_id) as connection:
        await connection.execute(
            "INSERT INTO notification.templates (id, org_id, kind, channel, locale, description, created_by,"
            " created_at, updated_at) SELECT gen_random_uuid(), %(org_id)s, 'custom.k' || n, 'sms', 'en', '',"
            " gen_random_uuid(), now(), now() FROM generate_series(1, %(most)s) AS n",
            {"org_id": writer.org.org_id, "most": MOST_TEMPLATES},
        )
    answer = await writer(
        "POST", "templates", json={"kind": "custom.x", "channel": "sms", "locale": "en", "parts": {"text": "x"}}
    )
    assert problem(answer) == (409, "too_many_templates")


async def test_what_happened_is_announced(writer: Caller, templating: Templating) -> None:
    template = await writer.published()
    await draft(writer, template, subject="Second")
    await writer.publish(template["id"])
    await writer.done("POST", f"templates/{template['id']}/rollback", json={"version": 1})
    await writer("DELETE", f"templates/{template['id']}")
    found = await templating.announced(writer.org.org_id)
    assert [(each.type.rpartition(".")[2], each.data.get("version"), each.data.get("previous")) for each in found] == [
        ("created", None, None),
        ("published", 1, None),
        ("published", 2, 1),
        ("published", 1, 2),
        ("removed", None, None),
    ]
    assert {each.data["template_id"] for each in found} == {template["id"]}
    assert found[0].data | {"template_id": ""} == {
        "template_id": "",
        "kind": "credit_low",
        "channel": "email",
        "locale": "en",
        "by": str(writer.org.key_id),
    }


@pytest.mark.parametrize("statement", ["UPDATE {} SET wording = '{{}}'", "UPDATE {} SET number = 9", "DELETE FROM {}"])
async def test_nobody_changes_or_removes_versions(writer: Caller, templating: Templating, statement: Any) -> None:
    await writer.published()
    with pytest.raises(InsufficientPrivilege):
        async with templating.database.transaction(writer.org.org_id) as connection:
            await run(connection, statement, "notification", "template_versions")
