"""Who sees a plan: the operator drafts, everybody what is offered, and those who know its id what was."""

from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller, version


async def test_a_draft_is_seen_by_the_operator_alone_until_it_is_offered(operator: Caller, reader: Caller) -> None:
    plan = await operator.plan()
    path = f"plans/{plan['id']}"
    assert await reader.listed("plans") == []
    for below in ("", "/versions", "/versions/1"):
        assert problem(await reader("GET", f"{path}{below}")) == (404, "unknown_plan")
    second = await operator.made(f"{path}/versions", **version(trial_days=7))

    offered = await operator("POST", f"{path}/offer")
    assert (offered.status_code, offered.json()["offered"], offered.headers["etag"]) == (200, True, '"3"')
    [seen] = await reader.listed("plans")
    assert seen["version"]["trial_days"] == 7
    assert (await reader("GET", path)).json() == seen
    assert await reader.listed(f"{path}/versions") == [{**second, "created_by": None}]
    assert problem(await reader("GET", f"{path}/versions/1")) == (404, "unknown_version")
    third = await operator.made(f"{path}/versions", **version(trial_days=30))
    assert [entry["number"] for entry in await reader.listed(f"{path}/versions")] == [3, 2]
    assert (await reader("GET", path)).json()["version"] == {**third, "created_by": None}


async def test_who_of_the_operators_people_made_it_is_nobody_elses_business(operator: Caller, reader: Caller) -> None:
    plan = await operator.plan(offered=True)
    seen = (await reader("GET", f"plans/{plan['id']}")).json()

    assert (seen["created_by"], seen["version"]["created_by"]) == (None, None)
    assert plan["created_by"] == plan["version"]["created_by"] == str(operator.org.key_id)


async def test_an_archived_plan_is_offered_no_more_but_can_be_looked_up(operator: Caller, reader: Caller) -> None:
    plan = await operator.plan(offered=True)
    path = f"plans/{plan['id']}"
    archived = await operator("POST", f"{path}/archive")

    assert (archived.status_code, archived.json()["offered"]) == (200, False)
    assert archived.json()["archived_at"] is not None
    assert await reader.listed("plans") == []
    assert await operator.listed("plans") == [archived.json()]
    assert (await reader("GET", path)).json()["version"]["number"] == 1
    for change in ("offer", "versions"):
        refused = await operator("POST", f"{path}/{change}", json=version())
        assert problem(refused) == (409, "plan_is_archived")
    assert await operator.listed(f"{path}/versions") == [plan["version"]]
