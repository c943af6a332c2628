"""Looking at templates before anybody gets them, kinds, and tests that go to oneself alone."""

from typing import Any, Final

import pytest

from notification.contents import EmailContent, PushContent
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Channel
from notification.templates.models import TEST, RenderFacts
from tests.integration.api_caller import problem
from tests.integration.notification.templates.calling import APP_URL, MAIL, Caller, Json, Templating, person_of

DECLARED: Final[list[Json]] = [
    {"name": "order", "example": "A-1", "description": "Its number"},
    {"name": "total", "type": "number", "example": 1200},
    {"name": "note", "example": "Thank you", "required": False},
]


async def preview(caller: Caller, **body: Any) -> Json:
    return await caller.done("POST", "templates/preview", json={"kind": "credit_low", "channel": "email"} | body)


async def test_what_is_shipped_can_be_seen_in_every_language(reader: Caller) -> None:
    shown = await preview(reader, locale="de", person="Ada <b>", time_zone="Europe/Berlin")
    assert (shown["channel"], shown["subject"]) == ("email", "Ihr Guthaben geht zur Neige")
    assert "Guten Tag Ada &lt;b&gt;," in shown["html"]
    assert "Guten Tag Ada <b>," in shown["text"]
    assert f"{APP_URL}/unsubscribe" in shown["text"]
    assert "unsubscribe" not in (await preview(reader, unsubscribable=False))["text"].lower()
    assert (await preview(reader, channel="push", locale="fr"))["title"] == "Votre crédit prépayé est bientôt épuisé"


async def test_what_is_not_kept_can_be_seen_with_examples_or_with_what_is_given(reader: Caller) -> None:
    shown = await preview(reader, parts=MAIL)
    assert "$4.00 left" in shown["text"]
    shown = await preview(reader, parts=MAIL, variables={"balance": 7})
    assert "$0.07 left" in shown["text"]
    shown = await preview(reader, channel="sms", parts={"text": "ü" * 161}, locale="de")
    assert (shown["channel"], shown["segments"], shown["encoding"]) == ("sms", 2, "gsm_7")


async def test_an_own_kind_is_seen_with_the_examples_of_its_variables(reader: Caller) -> None:
    body: Json = {
        "kind": "custom.order",
        "channel": "in_app",
        "declared": DECLARED,
        "parts": {
            "title": "Order {{ order }}",
            "body": "{{ total|money('EUR') }} {{ note|default('-') }}",
            "url": "/o",
        },
    }
    shown = await preview(reader, **body)
    assert (shown["title"], shown["body"], shown["url"]) == ("Order A-1", "€12.00 Thank you", f"{APP_URL}/o")
    assert (await preview(reader, **body, variables={"note": None}))["body"] == "€12.00 -"


async def test_what_cannot_be_rendered_says_where_it_is_wrong(reader: Caller) -> None:
    answer = await reader(
        "POST",
        "templates/preview",
        json={"kind": "credit_low", "channel": "email", "parts": MAIL | {"body": "<p>\n{{ balance.x.y }}"}},
    )
    assert problem(answer) == (400, "unrenderable")
    assert answer.json()["errors"][0]["line"] == 2
    answer = await reader("POST", "templates/preview", json={"kind": "custom.x", "channel": "sms"})
    assert problem(answer) == (400, "no_such_kind")


async def test_a_template_is_seen_as_its_draft_as_it_is_sent_or_as_it_was(writer: Caller, reader: Caller) -> None:
    template = await writer.published()
    path = f"templates/{template['id']}"
    assert (await reader.done("POST", f"{path}/preview", json={}))["subject"] == "Low"
    await writer.done("PUT", f"{path}/draft", json={"parts": MAIL | {"subject": "Draft"}})
    assert (await reader.done("POST", f"{path}/preview", json={}))["subject"] == "Draft"
    assert (await reader.done("POST", f"{path}/preview", json={"version": 1}))["subject"] == "Low"
    assert problem(await reader("POST", f"{path}/preview", json={"version": 2})) == (404, "unknown_version")


async def test_mails_are_seen_in_the_organizations_layout(writer: Caller, templating: Templating) -> None:
    html = (
        "<div class='own'>{{ content }}</div>{% if unsubscribe_url %}<a href='{{ unsubscribe_url }}'>End</a>{% endif %}"
    )
    shown = await preview(writer, kind="layout", parts={"html": html})
    assert 'class="own"' in shown["html"]
    assert 'class="own"' not in (await preview(writer, parts=MAIL))["html"]
    await writer.published(kind="layout", parts={"html": html})
    assert 'class="own"' in (await preview(writer, parts=MAIL))["html"]
    assert 'class="own"' in (await preview(writer))["html"]
    assert 'class="own"' not in (await preview(writer, kind="reset_password"))["html"]
    rendered = await templating.rendered(writer.org)
    assert isinstance(rendered.content, EmailContent)
    assert 'class="own"' in rendered.content.html


async def test_kinds_are_listed_with_what_their_templates_can_use(writer: Caller, reader: Caller) -> None:
    await writer.published(kind="custom.order", channel="sms", parts={"text": "{{ order }}"}, variables=DECLARED)
    await writer.template(kind="custom.unpublished", channel="sms", parts={"text": "x"})
    listed = await reader.done("GET", "templates/kinds")
    kinds = {kind["name"]: kind for kind in listed["data"]}
    assert {*kinds} == {*KINDS, "custom.order"}
    own = {name: kinds["custom.order"][name] for name in ("channels", "category", "own", "critical", "customizable")}
    assert own == {"channels": ["sms"], "category": "updates", "own": True, "critical": False, "customizable": True}
    assert kinds["custom.order"]["variables"] == {"order": "A-1", "total": 1200, "note": "Thank you"}
    assert (kinds["credit_low"]["customizable"], kinds["reset_password"]["customizable"]) == (True, False)
    assert kinds["credit_low"]["variables"] == KINDS["credit_low"].variables
    assert "person" in listed["common"]
    assert [part["name"] for part in listed["parts"]["email"]] == ["subject", "heading", "body", "action", "url"]
    assert [part["name"] for part in listed["parts_of_layouts"]] == ["html"]


async def test_a_test_goes_to_who_asks_for_it_and_is_sent_as_it_was_seen(
    writer: Caller, templating: Templating
) -> None:
    person = person_of(writer.org)
    template = await writer.template(channel="push", parts={"title": "Hi {{ person }}", "body": "{{ balance }}"})
    path = f"templates/{template['id']}/test"
    answer = await person("POST", path, json={"person": "Grace", "variables": {"balance": 5}})
    assert answer.status_code == 202
    assert templating.sends.sent == [(writer.org.user_id, Channel.PUSH, PushContent(title="Hi Grace", body="5"))]
    content = templating.sends.sent[0][2]
    facts = RenderFacts(
        org_id=writer.org.org_id, kind=TEST, channel=Channel.PUSH, variables={"content": content.model_dump()}
    )
    assert (await templating.sending().render(facts)).content == content

    assert problem(await writer("POST", path, json={})) == (403, "not_signed_in")
    text = await writer.template(channel="sms", parts={"text": "x"})
    assert problem(await person("POST", f"templates/{text['id']}/test", json={})) == (409, "no_own_address")
    assert len(templating.sends.sent) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc"},
        {"locale": "english"},
        {"locale": "xx"},
        {"variables": {"x": "\0"}},
        {"variables": {"x": "x" * 40_000}},
        {"unsubscribable": "yes"},
        {"channel": "fax"},
        {"kind": "Credit"},
        {"kind": "custom."},
        {"more": 1},
    ],
)
async def test_a_preview_is_of_something_that_there_can_be(reader: Caller, wrong: Json) -> None:
    answer = await reader("POST", "templates/preview", json={"kind": "credit_low", "channel": "email"} | wrong)
    assert problem(answer) == (422, "malformed_request")
