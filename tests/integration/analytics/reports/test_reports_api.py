"""Saved reports over HTTP."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx2
import pytest

from analytics.reports.models import MOST_REPORTS
from llmo_auth.principal import Permission
from llmo_core.ids import new_id
from tests.integration.analytics.reports.reporting import DAILY, MAY, RECIPIENTS, REPORT, Reporting
from tests.integration.api_caller import ApiCaller, problem

KEYED = {"Idempotency-Key": "spend"}
ROUTES = [
    ("GET", "", MAY - {Permission.USAGE_READ}),
    ("POST", "", MAY - {Permission.REPORTS_WRITE}),
    ("GET", "/{id}", MAY - {Permission.USAGE_READ}),
    ("PATCH", "/{id}", MAY - {Permission.REPORTS_WRITE}),
    ("DELETE", "/{id}", MAY - {Permission.REPORTS_WRITE}),
    ("POST", "/{id}/run", MAY - {Permission.USAGE_READ}),
    ("GET", "/{id}/runs", MAY - {Permission.USAGE_READ}),
    ("GET", "/{id}/runs/{run}", MAY - {Permission.USAGE_READ}),
]


def body_of(method: str, path: str) -> Any:
    if method == "PATCH":
        return {"name": "Other"}
    if method == "POST":
        return {} if path.endswith("/run") else REPORT
    return None


async def created(call: ApiCaller, **replaced: Any) -> dict[str, Any]:
    return await call.made("", **(REPORT | replaced))


async def test_a_report_is_saved_shown_changed_and_deleted(call: ApiCaller) -> None:
    report = await created(call, schedule=DAILY, recipients=RECIPIENTS)
    path = f"/{report['id']}"

    shown = await call("GET", path)
    changed = await call("PATCH", path, json={"name": "Spend", "schedule": None}, headers={"If-Match": '"1"'})
    stale = await call("PATCH", path, json={"name": "Late"}, headers={"If-Match": '"1"'})
    deleted = await call("DELETE", path, headers={"If-Match": '"2"'})

    assert shown.json() == report
    assert shown.headers["etag"] == '"1"'
    assert report["next_due_at"] == "2026-08-22T06:00:00Z"
    assert report["recipients"] == RECIPIENTS
    assert changed.headers["etag"] == '"2"'
    assert (changed.json()["name"], changed.json()["schedule"], changed.json()["next_due_at"]) == ("Spend", None, None)
    assert changed.json()["question"] == report["question"]
    assert problem(stale) == (412, "report_changed")
    assert deleted.status_code == 204
    assert problem(await call("GET", path)) == (404, "no_such_report")


async def test_what_is_left_out_has_a_default_that_nobody_else_sees(call: ApiCaller) -> None:
    report = await call.made("", name="Mine", question={"metrics": ["requests"]})

    assert (report["visibility"], report["chart"], report["formats"]) == ("private", "table", ["pdf"])
    assert (report["question"]["range"], report["question"]["time_zone"]) == ("last_30_days", "UTC")


async def test_a_repetition_saves_one_report(call: ApiCaller) -> None:
    answers = [await call("POST", "", json=REPORT, headers=KEYED) for _ in range(2)]
    reused = await call("POST", "", json=REPORT | {"name": "Other"}, headers=KEYED)

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["x-llmo-idempotent-replay"] == "true"
    assert problem(reused) == (422, "idempotency_key_reused")
    assert len((await call("GET", "")).json()["data"]) == 1


async def test_changes_at_once_all_count(call: ApiCaller) -> None:
    report = await created(call)

    await asyncio.gather(
        call("PATCH", f"/{report['id']}", json={"name": "Spend"}),
        call("PATCH", f"/{report['id']}", json={"chart": "bar"}),
        call("PATCH", f"/{report['id']}", json={"visibility": "private"}),
    )

    after = (await call("GET", f"/{report['id']}")).json()
    assert (after["name"], after["chart"], after["visibility"]) == ("Spend", "bar", "private")


async def test_a_private_report_is_its_owners_alone(call: ApiCaller, other: ApiCaller) -> None:
    private = await created(call, visibility="private")
    shared = await created(call)

    for method, route, _ in ROUTES[2:]:
        path = route.format(id=private["id"], run=new_id())
        assert problem(await other(method, path, json=body_of(method, path))) == (404, "no_such_report"), path
    assert [report["id"] for report in (await other("GET", "")).json()["data"]] == [shared["id"]]
    assert (await other("PATCH", f"/{shared['id']}", json={"name": "Ours"})).status_code == 200
    assert len((await call("GET", "")).json()["data"]) == 2


async def test_only_its_owner_takes_a_report_away_from_the_organization(call: ApiCaller, other: ApiCaller) -> None:
    path = f"/{(await created(call))['id']}"
    private, shared = {"visibility": "private"}, {"visibility": "organization", "name": "Ours"}

    refused = await other("PATCH", path, json=private)
    kept = await other("PATCH", path, json=shared)
    owned = await call("PATCH", path, json=private)

    assert problem(refused) == (403, "not_your_report")
    assert (kept.status_code, kept.json()["visibility"]) == (200, "organization")
    assert (owned.status_code, owned.json()["visibility"]) == (200, "private")


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES[2:]])
async def test_nobody_reaches_a_report_of_another_organization(
    call: ApiCaller, stranger: ApiCaller, reporting: Reporting, method: str, path: str
) -> None:
    report = await created(call)
    run = (await call("POST", f"/{report['id']}/run", json={})).json()

    path = path.format(id=report["id"], run=run["id"])
    answer = await stranger(method, path, json=body_of(method, path))

    assert problem(answer) == (404, "no_such_report")
    assert (await stranger("GET", "")).json()["data"] == []
    assert (await call("GET", f"/{report['id']}")).json() == report
    assert len(await reporting.every_run(UUID(report["id"]))) == 1


async def test_a_run_is_found_below_its_own_report_only(call: ApiCaller) -> None:
    first, second = await created(call), await created(call)
    run = (await call("POST", f"/{first['id']}/run", json={})).json()

    assert problem(await call("GET", f"/{second['id']}/runs/{run['id']}")) == (404, "no_such_run")


@pytest.mark.parametrize(("method", "path", "permissions"), ROUTES)
async def test_every_route_needs_its_permission(
    call: ApiCaller, reporting: Reporting, method: str, path: str, permissions: frozenset[str]
) -> None:
    call.principal = reporting.member(permissions=permissions)
    path = path.format(id=new_id(), run=new_id())

    assert problem(await call(method, path, json=body_of(method, path))) == (403, "missing_permission")


async def test_reports_are_listed_page_by_page(call: ApiCaller, reporting: Reporting) -> None:
    made = []
    for _ in range(5):
        reporting.clock.advance(seconds=1)
        made.append((await created(call))["id"])

    first = (await call("GET", "", params={"limit": 3})).json()
    second = (await call("GET", "", params={"limit": 3, "cursor": first["next_cursor"]})).json()

    assert [report["id"] for page in (first, second) for report in page["data"]] == made[::-1]
    assert second["next_cursor"] is None


async def test_an_organization_has_two_hundred_reports_at_most(call: ApiCaller, reporting: Reporting) -> None:
    first = await call("POST", "", json=REPORT, headers=KEYED)
    kept = await reporting.database["reports"].find_one({})
    assert kept is not None
    await reporting.database["reports"].insert_many([{**kept, "_id": new_id()} for _ in range(MOST_REPORTS - 1)])

    one_more = await call("POST", "", json=REPORT)
    again = await call("POST", "", json=REPORT, headers=KEYED)

    assert problem(one_more) == (409, "too_many_reports")
    assert again.json()["id"] == first.json()["id"]


async def test_five_runs_may_be_under_way(call: ApiCaller) -> None:
    report = await created(call)
    path = f"/{report['id']}/run"
    first = await call("POST", path, json={}, headers=KEYED)
    for _ in range(4):
        assert (await call("POST", path, json={})).status_code == 202

    sixth, again = await call("POST", path, json={}), await call("POST", path, json={}, headers=KEYED)

    assert problem(sixth) == (429, "too_many_runs")
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["x-llmo-idempotent-replay"] == "true"


async def test_five_runs_are_under_way_however_many_are_asked_for_at_once(call: ApiCaller) -> None:
    report = await created(call)

    answers = await asyncio.gather(*(call("POST", f"/{report['id']}/run", json={}) for _ in range(12)))

    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [429] * 7


async def test_a_run_that_is_over_makes_room_for_another_one(call: ApiCaller, reporting: Reporting) -> None:
    report = await created(call)
    path = f"/{report['id']}/run"
    asked = [(await call("POST", path, json={})).json() for _ in range(5)]
    assert (await call("POST", path, json={})).status_code == 429

    await reporting.runner().advance(UUID(asked[2]["id"]))

    assert (await call("POST", path, json={})).status_code == 202
    assert (await call("POST", path, json={})).status_code == 429


async def test_an_address_that_was_taken_in_by_other_rules_hides_no_report(
    call: ApiCaller, reporting: Reporting
) -> None:
    report = await created(call, recipients=RECIPIENTS)
    kept = {"$set": {"definition.recipients.addresses": ["a\x00@b.example"]}}
    await reporting.database["reports"].update_one({"_id": UUID(report["id"])}, kept)

    [shown] = (await call("GET", "")).json()["data"]

    assert shown["recipients"]["addresses"] == ["a\x00@b.example"]


def question(**replaced: Any) -> dict[str, Any]:
    return {"question": REPORT["question"] | replaced}


@pytest.mark.parametrize(
    ("replaced", "refusal"),
    [
        ({"chart": "table"}, (400, "no_chart")),
        ({"chart": "line", **question(interval=None)}, (400, "chart_needs_interval")),
        (question(time_zone="Mars/Olympus"), (400, "unknown_time_zone")),
        (question(time_zone="../../etc/passwd"), (400, "unknown_time_zone")),
        (question(time_zone="UTC\x00"), (400, "unknown_time_zone")),
        ({"schedule": DAILY | {"time_zone": "Mars/Olympus"}}, (400, "unknown_time_zone")),
        ({"schedule": DAILY | {"at": "24:00"}}, (422, "malformed_request")),
        ({"schedule": DAILY | {"at": "8:00\n"}}, (422, "malformed_request")),
        ({"schedule": DAILY | {"weekday": 1}}, (422, "malformed_request")),
        ({"schedule": DAILY | {"every": "week", "weekday": 0}}, (422, "malformed_request")),
        ({"schedule": DAILY | {"every": "month", "day": 32}}, (422, "malformed_request")),
        ({"schedule": DAILY | {"enabled": 1}}, (422, "malformed_request")),
        (question(metrics=[]), (422, "malformed_request")),
        (question(metrics=["$where"]), (422, "malformed_request")),
        (question(dimensions=["model", "project", "key"]), (422, "malformed_request")),
        (question(dimensions=["day"]), (422, "malformed_request")),
        (question(limit=1.5), (422, "malformed_request")),
        (question(range="last_century"), (422, "malformed_request")),
        ({"name": ""}, (422, "malformed_request")),
        ({"name": "a\x00b"}, (422, "malformed_request")),
        ({"name": "\ud800"}, (422, "malformed_request")),
        ({"name": "x" * 201}, (422, "malformed_request")),
        ({"formats": []}, (422, "malformed_request")),
        ({"formats": ["exe"]}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["nobody"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["a@b.example, c@d.example"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["a@b.example\nBcc: c@d.example"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["a\x00@b.example"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["a\x1b[2J@b.example"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["a\x7f@b.example"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": ["a\x9b@b.example"]}}, (422, "malformed_request")),
        ({"recipients": {"addresses": [f"a{number}@b.example" for number in range(21)]}}, (422, "malformed_request")),
        ({"owner_id": str(new_id())}, (422, "malformed_request")),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(
    call: ApiCaller, replaced: dict[str, Any], refusal: tuple[int, str]
) -> None:
    async def sent(method: str, path: str, content: object) -> httpx2.Response:
        encoded = json.dumps(content).encode()
        return await call(method, path, content=encoded, headers={"content-type": "application/json"})

    report = await created(call)

    assert problem(await sent("POST", "", REPORT | replaced)) == refusal
    assert problem(await sent("PATCH", f"/{report['id']}", replaced)) == refusal
    assert (await call("GET", f"/{report['id']}")).json() == report
