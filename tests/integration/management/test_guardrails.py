"""Guardrails over HTTP, and as the gateway reads them."""

from typing import Any

import pytest

from integration.gateway.configuration_rows import PostgresConfigurations
from integration.gateway.guards import guards_of
from integration.gateway.organization_record import parse
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management

PII = {"name": "pii", "kind": "pii", "action": "mask", "pii": ["email", "credit_card"]}
WORDS = {"name": "words", "kind": "deny", "action": "block", "words": ["blue moon"], "message": "Not here."}
PATTERN = {"name": "ticket", "kind": "pattern", "action": "flag", "stage": "input", "pattern": r"\bINV-[0-9]{3}\b"}
ALLOW = {"name": "only", "kind": "allow", "action": "block", "pattern": "x", "words": ["y"]}
DEFAULTS: dict[str, Any] = {
    "stage": "both",
    "project_id": None,
    "pattern": None,
    "pii": [],
    "words": [],
    "message": "",
    "enabled": True,
    "version": 1,
}


async def create(caller: Caller, **body: Any) -> Any:
    answer = await caller("POST", "guardrails", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("body", [PII, WORDS, PATTERN, ALLOW])
async def test_a_guardrail_of_each_kind_is_made_and_shown(caller: Caller, body: dict[str, Any]) -> None:
    made = await create(caller, **body)
    assert made | {**DEFAULTS, **body} == made
    assert (await caller("GET", f"guardrails/{made['id']}")).json() == made
    assert (await caller("GET", "guardrails")).json() == {"data": [made], "next_cursor": None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"project_id": "x"}, "project_id"),
        ({"stage": "during"}, "stage"),
        ({"kind": "llm"}, "kind"),
        ({"action": "warn"}, "action"),
        ({"pattern": "("}, "pattern"),
        ({"pattern": ""}, "pattern"),
        ({"pattern": "a*"}, "pattern"),
        ({"pattern": r"(a)\1"}, "pattern"),
        ({"pattern": "x" * 1001}, "pattern"),
        ({"pattern": "x\x00"}, "pattern"),
        ({"pii": ["name"]}, "pii"),
        ({"words": ["x"] * 1001}, "words"),
        ({"words": [" "]}, "words"),
        ({"words": ["x" * 101]}, "words"),
        ({"message": "x" * 501}, "message"),
        ({"enabled": 1}, "enabled"),
        ({"luck": True}, "luck"),
    ],
)
async def test_a_malformed_guardrail_is_refused_by_the_name_of_its_field(
    caller: Caller, changes: dict[str, Any], field: str
) -> None:
    refused = await caller("POST", "guardrails", json=PATTERN | changes)
    assert refused.status_code == 422
    assert field in refused.text
    assert (await caller("GET", "guardrails")).json()["data"] == []


async def test_what_is_wrong_with_a_pattern_is_told(caller: Caller) -> None:
    refused = await caller("POST", "guardrails", json=PATTERN | {"pattern": "(?=a)b"})
    assert "invalid perl operator" in refused.text


@pytest.mark.parametrize(
    "body",
    [
        PII | {"pii": []},
        PII | {"words": ["x"]},
        WORDS | {"words": []},
        WORDS | {"pattern": "x"},
        PATTERN | {"pattern": None},
        ALLOW | {"pattern": None, "words": []},
        ALLOW | {"pii": ["email"]},
        ALLOW | {"action": "mask"},
    ],
)
async def test_a_guardrail_has_what_its_kind_needs(caller: Caller, body: dict[str, Any]) -> None:
    refused = await caller("POST", "guardrails", json=body)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:llmo:problem:unfitting_guardrail")


async def test_a_thousand_long_words_can_be_kept_and_found(caller: Caller) -> None:
    words = [f"{number:04}" + "w" * 96 for number in range(1000)]
    made = await caller("POST", "guardrails", json=WORDS | {"words": words})
    assert made.status_code == 201, made.text
    verdict = (await caller("POST", "guardrails/test", json={"text": f"a {words[-1]} b"})).json()
    assert verdict["blocked_by"] == "words"


async def test_names_are_an_organizations_own(caller: Caller, stranger: Caller) -> None:
    made = await create(caller, **PII)
    other = await create(caller, **WORDS)
    await create(stranger, **PII)
    for refused in (
        await caller("POST", "guardrails", json=PII),
        await caller("PATCH", f"guardrails/{other['id']}", json={"name": "pii"}),
    ):
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:guardrail_name_taken")
    assert (await caller("DELETE", f"guardrails/{made['id']}")).status_code == 204
    await create(caller, **PII)


async def test_there_are_fifty_at_most(caller: Caller) -> None:
    made = [await create(caller, **WORDS | {"name": f"w{number}"}) for number in range(50)]
    refused = await caller("POST", "guardrails", json=PII)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:too_many_guardrails")
    await caller("DELETE", f"guardrails/{made[0]['id']}")
    await create(caller, **PII)


async def test_all_words_together_are_bounded(caller: Caller, stranger: Caller) -> None:
    words = [f"{number:03}" + "w" * 97 for number in range(1000)]
    first = await create(caller, **WORDS | {"name": "first", "words": words})
    last = await create(caller, **WORDS | {"name": "last", "words": words[:500]})
    await create(caller, **WORDS | {"name": "off", "words": words, "enabled": False})
    for refused in (
        await caller("POST", "guardrails", json=WORDS | {"words": ["x"]}),
        await caller("PATCH", f"guardrails/{last['id']}", json={"words": words[:501]}),
    ):
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:too_many_words")
        assert "250,000 characters" in refused.json()["detail"]
    await create(stranger, **WORDS | {"words": words})
    await create(caller, **PII)
    assert (await caller("PATCH", f"guardrails/{last['id']}", json={"action": "flag"})).status_code == 200
    assert (await caller("PATCH", f"guardrails/{first['id']}", json={"words": words[:999]})).status_code == 200
    await create(caller, **WORDS | {"words": ["x" * 100]})


async def test_a_guardrail_is_changed_for_the_version_that_it_is_meant_for_and_announced(
    caller: Caller, management: Management
) -> None:
    made = await create(caller, **WORDS)
    path = f"guardrails/{made['id']}"
    version = await management.config_version(caller.org)
    changed = await caller("PATCH", path, json={"action": "flag"}, headers={"If-Match": '"1"'})
    assert changed.json() == made | {"action": "flag", "version": 2, "updated_at": changed.json()["updated_at"]}
    assert await management.config_version(caller.org) != version
    assert (await caller("PATCH", path, json={}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await caller("PATCH", path, json={"words": []})).status_code == 400
    assert (await caller("PATCH", path, json={"kind": "pii"})).status_code == 422
    assert (await caller("DELETE", path)).status_code == 204
    for method in ("GET", "DELETE", "PATCH"):
        assert (await caller(method, path, json={} if method == "PATCH" else None)).status_code == 404
    events = await management.announced(caller.org.org_id)
    assert [event.type.rpartition(".")[2] for event in events] == ["created", "changed", "removed"]
    assert not any("moon" in event.model_dump_json().lower() for event in events)


async def test_a_text_is_tried(caller: Caller) -> None:
    project = str(new_id())
    await create(caller, **PII)
    await create(caller, **WORDS | {"project_id": project})
    await create(caller, **PATTERN)
    await create(caller, **WORDS | {"name": "off", "words": ["mail"], "enabled": False})
    text = "mail ada@example.org about INV-123 and the blue moon"
    passed = (await caller("POST", "guardrails/test", json={"text": text})).json()
    assert passed == {
        "triggered": [
            {"name": "pii", "stage": "input", "action": "mask"},
            {"name": "ticket", "stage": "input", "action": "flag"},
        ],
        "blocked_by": None,
        "message": None,
        "text": text.replace("ada@example.org", "[EMAIL]"),
    }
    tried = {"text": text, "stage": "output", "project_id": project}
    blocked = (await caller("POST", "guardrails/test", json=tried)).json()
    assert (blocked["blocked_by"], blocked["message"], blocked["text"]) == ("words", "Not here.", text)
    assert [found["name"] for found in blocked["triggered"]] == ["pii", "words"]
    for wrong in ({"text": 1}, {"text": "x" * 100_001}, {"text": "", "stage": "both"}, {}):
        assert (await caller("POST", "guardrails/test", json=wrong)).status_code == 422


async def test_the_gateway_reads_what_holds_for_a_project(caller: Caller, integration_database: Database) -> None:
    rows = PostgresConfigurations(integration_database)
    project = new_id()
    assert parse("", await rows.record(caller.org.org_ref)).guardrails == ()
    await create(caller, **PII)
    await create(caller, **WORDS | {"project_id": str(project)})
    await create(caller, **PATTERN | {"enabled": False})
    organization = parse("", await rows.record(caller.org.org_ref))
    assert [entry.rule.name for entry in organization.guardrails] == ["pii", "words"]
    own, others = guards_of(organization, project), guards_of(organization, new_id())
    assert own is not None
    assert others is not None
    assert own.version != others.version
    assert guards_of(organization, project) is own


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    made = await create(caller, **WORDS)
    path = f"guardrails/{made['id']}"
    for method in ("GET", "DELETE", "PATCH"):
        assert (await stranger(method, path, json={} if method == "PATCH" else None)).status_code == 404
    assert (await stranger("POST", "guardrails/test", json={"text": "blue moon"})).json()["triggered"] == []


async def test_a_reader_tries_and_changes_nothing(caller: Caller) -> None:
    made = await create(caller, **WORDS)
    reader = Caller(caller.org, permissions=frozenset({"models:read"}))
    assert (await reader("GET", "guardrails")).status_code == 200
    assert (await reader("POST", "guardrails/test", json={"text": "blue moon"})).json()["blocked_by"] == "words"
    assert (await reader("POST", "guardrails", json=PII)).status_code == 403
    assert (await reader("PATCH", f"guardrails/{made['id']}", json={})).status_code == 403
    assert (await reader("DELETE", f"guardrails/{made['id']}")).status_code == 403
