"""Plans and their versions: made, offered, archived, announced."""

import asyncio
from typing import Any

import pytest

from billing.catalogue.examples import METERS, PLANS, VERSIONS
from billing.pricing.prices import Price
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import COST, FEE, Caller, Catalogue, usage, version

PER_CALL = usage({"kind": "per_unit", "unit_price": "0.001"})
KINDS = [member.model_fields["kind"].default for member in Price.__value__.__origin__.__args__]


async def test_a_plan_is_made_as_a_draft_and_shown_with_its_version(operator: Caller) -> None:
    answer = await operator(
        "POST", "plans", json={"code": "team", "name": " Team ", "description": "For teams", "version": version()}
    )
    made = answer.json()

    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    shown = await operator("GET", f"plans/{made['id']}")
    assert (shown.json(), shown.headers["etag"]) == (made, '"1"')
    created = made["version"]["created_at"]
    assert made == {
        "id": made["id"],
        "code": "team",
        "name": "Team",
        "description": "For teams",
        "offered": False,
        "version": {
            "currency": "USD",
            "cadence": {"interval": "month", "count": 1},
            "charges": [{**FEE, "meter": None, "included": "0"}],
            "trial_days": 0,
            "features": [],
            "plan_id": made["id"],
            "number": 1,
            "created_by": str(operator.org.key_id),
            "created_at": created,
        },
        "revision": 1,
        "created_by": str(operator.org.key_id),
        "created_at": created,
        "archived_at": None,
    }


@pytest.mark.parametrize("kind", KINDS)
async def test_every_example_of_the_document_is_a_plan_that_comes_back_as_it_was_given(
    operator: Caller, kind: str
) -> None:
    for meter in METERS.values():
        await operator.made("meters", **meter["value"])
    example: dict[str, Any] = PLANS[kind]["value"]
    made = await operator.made("plans", **example)

    prices = [charge["price"] for charge in made["version"]["charges"]]
    assert kind in {price["kind"] for price in prices}
    for shown, given in zip(made["version"]["charges"], example["version"]["charges"], strict=True):
        assert {name: shown[name] for name in given if name != "price"} == {
            name: value for name, value in given.items() if name != "price"
        }
        assert (
            shown["price"].items() >= {name: value for name, value in given["price"].items() if name != "tiers"}.items()
        )
    again = await operator.made(f"plans/{made['id']}/versions", **VERSIONS[kind]["value"])
    assert again == {**made["version"], "number": 2, "created_at": again["created_at"]}


async def test_old_versions_stay_what_they_were(operator: Caller) -> None:
    plan = await operator.plan()
    path = f"plans/{plan['id']}"
    dearer = {**FEE, "price": {"kind": "flat", "amount": "30"}}
    second = await operator.made(f"{path}/versions", **version(dearer))
    third = await operator.made(f"{path}/versions", **version(FEE, trial_days=14))

    assert [entry["number"] for entry in (second, third)] == [2, 3]
    assert await operator.listed(f"{path}/versions") == [third, second, plan["version"]]
    for entry in (third, second, plan["version"]):
        assert (await operator("GET", f"{path}/versions/{entry['number']}")).json() == entry
    shown = await operator("GET", path)
    assert (shown.json()["version"], shown.json()["revision"], shown.headers["etag"]) == (third, 3, '"3"')
    assert problem(await operator("GET", f"{path}/versions/4")) == (404, "unknown_version")


async def test_a_version_for_another_revision_is_refused(operator: Caller) -> None:
    plan = await operator.plan()
    path = f"plans/{plan['id']}/versions"
    first = await operator("POST", path, json=version(), headers={"if-match": '"1"'})
    second = await operator("POST", path, json=version(), headers={"if-match": '"1"'})

    assert first.status_code == 201
    assert problem(second) == (412, "changed_meanwhile")
    assert len(await operator.listed(path)) == 2


async def test_versions_made_at_once_are_numbered_without_gaps(operator: Caller) -> None:
    plan = await operator.plan()
    path = f"plans/{plan['id']}"
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(operator.made(f"{path}/versions", **version(trial_days=days))) for days in range(1, 9)
        ]
    made = {task.result()["number"]: task.result()["trial_days"] for task in tasks}

    assert sorted(made) == list(range(2, 10))
    listed = await operator.listed(f"{path}/versions")
    assert [(entry["number"], entry["trial_days"]) for entry in listed] == [
        *((number, made[number]) for number in range(9, 1, -1)),
        (1, 0),
    ]
    assert (await operator("GET", path)).json()["revision"] == 9


async def test_a_version_that_is_refused_takes_no_number(operator: Caller) -> None:
    plan = await operator.plan()
    path = f"plans/{plan['id']}/versions"
    assert problem(await operator("POST", path, json=version(PER_CALL))) == (404, "unknown_meter")
    assert (await operator.made(path, **version()))["number"] == 2


async def test_offering_and_archiving_again_change_and_announce_nothing(operator: Caller, catalogue: Catalogue) -> None:
    plan = await operator.plan()
    for change in ("offer", "offer", "archive", "archive"):
        answer = await operator("POST", f"plans/{plan['id']}/{change}")
        assert answer.status_code == 200
    assert answer.headers["etag"] == '"3"'
    stale = await operator("POST", f"plans/{plan['id']}/archive", headers={"if-match": '"2"'})
    assert problem(stale) == (412, "changed_meanwhile")
    events = await catalogue.announced(operator.org.org_id)
    assert [event.type.removeprefix("llmo.billing.plan.") for event in events] == ["created", "offered", "archived"]


async def test_what_happens_to_a_plan_is_announced_with_who_did_it(operator: Caller, catalogue: Catalogue) -> None:
    plan = await operator.plan()
    path = f"plans/{plan['id']}"
    await operator.made(f"{path}/versions", **version())
    await operator("POST", f"{path}/offer")
    await operator("POST", f"{path}/archive")
    who = str(operator.org.key_id)

    events = await catalogue.announced(operator.org.org_id)
    assert {(event.source, event.orgid) for event in events} == {("llmo.billing", operator.org.org_id)}
    about = {"plan_id": plan["id"], "code": "team"}
    assert [(event.type, event.data) for event in events] == [
        ("llmo.billing.plan.created", {**about, "name": "Team", "offered": False, "created_by": who}),
        ("llmo.billing.plan.version_created", {**about, "number": 2, "created_by": who}),
        ("llmo.billing.plan.offered", {**about, "number": 2, "offered_by": who}),
        ("llmo.billing.plan.archived", {**about, "archived_by": who}),
    ]


async def test_a_code_is_taken_once_for_good(operator: Caller, catalogue: Catalogue) -> None:
    plan = await operator.plan("team")
    await operator("POST", f"plans/{plan['id']}/archive")
    refused = await operator("POST", "plans", json={"code": "team", "name": "Other", "version": version()})

    assert problem(refused) == (409, "code_taken")
    assert "`team`" in refused.json()["detail"]
    assert len(await operator.listed("plans")) == 1
    assert len(await catalogue.announced(operator.org.org_id)) == 2


async def test_of_two_who_take_a_code_at_once_one_gets_it(operator: Caller) -> None:
    body = {"code": "team", "name": "Team", "version": version()}
    answers = await asyncio.gather(*(operator("POST", "plans", json=body) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(await operator.listed("plans")) == 1


async def test_a_repeated_request_is_carried_out_once(operator: Caller, catalogue: Catalogue) -> None:
    plan = await operator.plan()
    requests: list[tuple[str, Any]] = [
        ("plans", {"code": "other", "name": "Other", "version": version()}),
        (f"plans/{plan['id']}/versions", version()),
        ("meters", {"code": "calls", "name": "Calls", "aggregation": "count"}),
    ]
    for path, body in requests:
        answers = [await operator("POST", path, json=body, headers={"idempotency-key": path}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["x-llmo-idempotent-replay"] == "true"
    assert len(await catalogue.announced(operator.org.org_id)) == 4
    other = await operator("POST", "plans", json={"code": "x", "name": "X"}, headers={"idempotency-key": "plans"})
    assert problem(other) == (422, "idempotency_key_reused")


async def test_plans_are_listed_page_by_page_the_newest_first(operator: Caller, reader: Caller) -> None:
    made = [await operator.plan(f"p{number}", offered=number % 2 == 0) for number in range(7)]

    assert await operator.listed("plans") == made[::-1]
    assert [plan["code"] for plan in await reader.listed("plans")] == ["p6", "p4", "p2", "p0"]
    assert problem(await reader("GET", "plans?cursor=what")) == (400, "malformed_cursor")
    assert problem(await reader("GET", "plans?limit=0")) == (422, "malformed_request")


async def test_charges_for_usage_need_meters_that_fit(operator: Caller) -> None:
    assert problem(await operator("POST", "plans", json={"code": "a", "name": "A", "version": version(PER_CALL)})) == (
        404,
        "unknown_meter",
    )
    await operator.meter()
    await operator.plan("per-call", PER_CALL)
    passing_on = version(usage({"kind": "pass_through", "markup_percent": "5"}))
    refused = await operator("POST", "plans", json={"code": "cost", "name": "Cost", "version": passing_on})
    assert problem(refused) == (400, "unfitting_meter")
    assert refused.json()["detail"] == "`usage` passes costs on, and `calls` does not count US dollars."
    await operator.meter(**COST)
    await operator.plan("cost", usage({"kind": "pass_through", "markup_percent": "5"}, meter="cost"))


async def test_a_plan_that_nobody_knows_is_not_found(operator: Caller) -> None:
    path = f"plans/{new_id()}"
    for method, below in (("GET", ""), ("GET", "/versions"), ("GET", "/versions/1"), ("POST", "/offer")):
        assert problem(await operator(method, f"{path}{below}")) == (404, "unknown_plan")
    assert problem(await operator("POST", f"{path}/versions", json=version())) == (404, "unknown_plan")
    assert problem(await operator("GET", "plans/team")) == (422, "malformed_request")
