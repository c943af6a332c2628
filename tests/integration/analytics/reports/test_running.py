"""Reports as they are planned and made."""

import asyncio
import csv
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import httpx2
import pytest
from arro3.io import read_parquet
from PIL import Image
from pypdf import PdfReader

from analytics.models import StoreUnavailable, TooManyGroups, TooSlow
from analytics.querying.models import Answer, Question
from analytics.reports.models import Format, NoSuchReport, Run, RunState
from analytics.reports.ports import Answers
from analytics.reports.service import run_of
from llmo_core.ids import new_id
from llmo_data.objects import ObjectsUnavailable
from llmo_messaging.envelope import Envelope
from notification.kinds.facts import facts_of
from tests.integration.analytics.buses import BrokenBus, RecordingBus
from tests.integration.analytics.mortal import Killed, Mortal
from tests.integration.analytics.reports.reporting import DAILY, LONG, RECIPIENTS, REPORT, Reporting
from tests.integration.api_caller import ApiCaller


class Failing(Answers):
    """Has no answer."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def ask(self, question: Question) -> Answer:  # noqa: ARG002
        raise self._error


async def scheduled(call: ApiCaller, **replaced: Any) -> UUID:
    """A report that is due at 06:00 UTC of every day."""
    body = REPORT | {"schedule": DAILY, "recipients": RECIPIENTS} | replaced
    return UUID((await call.made("", **body))["id"])


async def one_run(reporting: Reporting, report_id: UUID) -> Run:
    [run] = await reporting.every_run(report_id)
    return run


async def test_a_report_that_is_run_now_has_its_files(call: ApiCaller, reporting: Reporting) -> None:
    await reporting.busy()
    report = await call.made("", **REPORT)

    asked = await call("POST", f"/{report['id']}/run", json={})
    [event] = reporting.bus.of("report.run_requested")
    await reporting.runner().advance(UUID(event.data["run_id"]))
    shown = (await call("GET", f"/{report['id']}/runs/{asked.json()['id']}")).json()

    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert (shown["state"], shown["rows"], shown["scheduled"]) == ("done", 3, False)
    assert (shown["from"], shown["to"]) == ("2026-08-14T00:00:00Z", "2026-08-21T00:00:00Z")
    assert [file["format"] for file in shown["files"]] == ["pdf", "png", "csv", "parquet"]
    contents = {}
    for file in shown["files"]:
        fetched = await asyncio.to_thread(httpx2.get, file["url"])
        assert len(fetched.content) == file["size"]
        contents[file["format"]] = fetched.content
        assert datetime.fromisoformat(file["url_expires_at"]) <= reporting.clock.now() + timedelta(hours=1)
    rows = list(csv.DictReader(StringIO(contents["csv"].decode(), newline="")))
    assert {row["model"]: row["cost_usd"] for row in rows} == {"'=b": "3", "a": "1", "b": "2.5"}
    assert sum(read_parquet(contents["parquet"]).read_all()["cost_usd"].to_pylist()) == Decimal("6.5")
    assert "Spend by model" in PdfReader(BytesIO(contents["pdf"])).pages[0].extract_text()
    assert Image.open(BytesIO(contents["png"])).size == (1440, 800)
    assert reporting.bus.of("report.ready") == []  # nobody was to be told


@pytest.mark.parametrize(("second", "models"), [(["b", "=b"], ["b"]), (["=b"], [])])
async def test_two_filters_of_one_dimension_both_hold_and_are_shown_as_they_were_given(
    call: ApiCaller, reporting: Reporting, second: list[str], models: list[str]
) -> None:
    await reporting.busy()
    filters = [{"dimension": "model", "values": ["a", "b"]}, {"dimension": "model", "values": second}]
    report = await call.made("", **REPORT | {"question": REPORT["question"] | {"filters": filters}, "formats": ["csv"]})
    run = (await call("POST", f"/{report['id']}/run", json={})).json()

    await reporting.runner().advance(UUID(run["id"]))

    done = await one_run(reporting, UUID(report["id"]))
    rows = csv.DictReader(StringIO(reporting.content(done, "csv").decode(), newline=""))
    assert [row["model"] for row in rows] == models
    assert (await call("GET", f"/{report['id']}")).json()["question"]["filters"] == filters


async def test_who_is_to_be_told_gets_a_link_as_notification_understands_it(
    call: ApiCaller, reporting: Reporting
) -> None:
    report = await call.made("", **REPORT | {"recipients": RECIPIENTS})
    run = (await call("POST", f"/{report['id']}/run", json={"notify": True})).json()

    await reporting.runner().tick(until=reporting.clock.now() + LONG)

    [event] = reporting.bus.of("report.ready")
    [fact] = facts_of(event.type, event.id, event.data)
    assert str(event.id) == run["id"]
    assert [str(user) for user in fact.audience.user_ids] == RECIPIENTS["user_ids"]
    assert [address.email for address in fact.audience.addresses] == RECIPIENTS["addresses"]
    assert fact.variables["report_name"] == "Spend by model"
    assert datetime.fromisoformat(fact.variables["expires_at"]) == reporting.clock.now() + timedelta(minutes=55)
    fetched = await asyncio.to_thread(httpx2.get, fact.variables["url"])
    assert fetched.content.startswith(b"%PDF")


async def test_a_report_is_run_on_its_schedule_once_for_each_moment(call: ApiCaller, reporting: Reporting) -> None:
    report_id = await scheduled(call)

    assert await reporting.plan() == 0
    reporting.clock.moment = datetime(2026, 8, 22, 6, 0, 30, tzinfo=UTC)
    await asyncio.gather(*(reporting.plan() for _ in range(3)))
    await reporting.plan()
    run = await one_run(reporting, report_id)
    await reporting.runner().tick(until=reporting.clock.now() + LONG)
    reporting.clock.moment = datetime(2026, 8, 23, 6, 1, tzinfo=UTC)
    await reporting.plan()

    assert (run.scheduled, run.at) == (True, datetime(2026, 8, 22, 6, tzinfo=UTC))
    assert len({run.id for run in await reporting.every_run(report_id)}) == 2
    assert len(reporting.bus.of("report.ready")) == 1


async def test_what_was_missed_while_nothing_ran_is_run_once_for_the_latest_moment(
    call: ApiCaller, reporting: Reporting
) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=10)

    await reporting.plan()
    await reporting.plan()

    assert (await one_run(reporting, report_id)).at == datetime(2026, 8, 31, 6, tzinfo=UTC)
    found = await reporting.service.show(call.principal, report_id)
    assert found.next_due_at == datetime(2026, 9, 1, 6, tzinfo=UTC)


async def test_a_schedule_that_cannot_be_read_holds_up_no_other(call: ApiCaller, reporting: Reporting) -> None:
    broken, sound = await scheduled(call), await scheduled(call)
    nowhere = {"$set": {"definition.schedule.time_zone": "Mars/Olympus"}}
    await reporting.database["reports"].update_one({"_id": broken}, nowhere)
    reporting.clock.advance(days=1)

    await reporting.plan()

    assert await reporting.every_run(broken) == []
    assert len(await reporting.every_run(sound)) == 1
    assert await reporting.plan() == 0


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 5))
async def test_a_planner_that_is_killed_at_any_step_plans_one_run(
    call: ApiCaller, reporting: Reporting, step: int, *, before: bool
) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    steps: list[str] = []
    ports = {"reports": reporting.reports, "runs": reporting.runs, "announcements": reporting.announcements}

    with suppress(Killed):
        await reporting.planner(
            **{name: Mortal(port, steps, step, before=before) for name, port in ports.items()}
        ).plan(until=reporting.clock.now() + LONG)
    await reporting.plan()
    await reporting.runner().tick(until=reporting.clock.now() + LONG)

    assert (await one_run(reporting, report_id)).state is RunState.DONE
    assert await reporting.plan() == 0


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 11))
async def test_a_runner_that_is_killed_at_any_step_is_followed_by_one_that_tells_the_same(
    call: ApiCaller, reporting: Reporting, step: int, *, before: bool
) -> None:
    report_id = await scheduled(call, formats=["csv", "png"])
    reporting.clock.advance(days=1)
    await reporting.plan()
    steps: list[str] = []
    ports = {"runs": reporting.runs, "files": reporting.files, "announcements": reporting.announcements}

    with suppress(Killed):
        await reporting.runner(
            **{name: Mortal(port, steps, step, before=before) for name, port in ports.items()}
        ).advance((await one_run(reporting, report_id)).id)
    reporting.clock.advance(minutes=5)
    await reporting.runner().tick(until=reporting.clock.now() + LONG)

    run = await one_run(reporting, report_id)
    assert run.state is RunState.DONE
    assert [len(reporting.content(run, file.format)) for file in run.files] == [file.size for file in run.files]
    assert {event.id for event in reporting.bus.of("report.ready")} == {run.id}
    assert await reporting.runs.unannounced(limit=1) == []


class Slow(BrokenBus):
    """A bus that does not answer; each try takes ten seconds. Counts them."""

    def __init__(self, reporting: Reporting) -> None:
        super().__init__()
        self._clock = reporting.clock
        self.tries = 0

    async def publish(self, events: Sequence[Envelope]) -> None:
        self.tries += 1
        self._clock.advance(seconds=10)
        await super().publish(events)


async def test_a_bus_that_does_not_answer_is_tried_once_in_a_planning(call: ApiCaller, reporting: Reporting) -> None:
    reports = [await scheduled(call) for _ in range(3)]
    reporting.clock.advance(days=1)
    reporting.bus = slow = Slow(reporting)

    assert await reporting.plan() == 3

    assert slow.tries == 1
    assert [len(await reporting.every_run(report_id)) for report_id in reports] == [1, 1, 1]


async def test_planning_ends_when_time_is_up_and_goes_on_in_the_next_turn(
    call: ApiCaller, reporting: Reporting
) -> None:
    reports = [await scheduled(call) for _ in range(3)]
    reporting.clock.advance(days=1)
    reporting.bus = Slow(reporting)

    first = await reporting.planner().plan(until=reporting.clock.now() + timedelta(seconds=5))
    second = await reporting.plan()

    assert (first, second) == (1, 2)
    assert [len(await reporting.every_run(report_id)) for report_id in reports] == [1, 1, 1]


async def test_two_runners_at_once_tell_once(call: ApiCaller, reporting: Reporting) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    await reporting.plan()
    run_id = (await one_run(reporting, report_id)).id

    await asyncio.gather(*(reporting.runner().advance(run_id) for _ in range(3)))

    assert len({event.id for event in reporting.bus.of("report.ready")}) == 1


async def test_a_schedule_that_is_off_or_another_counts_from_its_change(call: ApiCaller, reporting: Reporting) -> None:
    off, moved = await scheduled(call), await scheduled(call)
    await call("PATCH", f"/{off}", json={"schedule": DAILY | {"enabled": False}})
    await call("PATCH", f"/{moved}", json={"schedule": DAILY | {"at": "23:00"}})
    reporting.clock.moment = datetime(2026, 8, 22, 6, 1, tzinfo=UTC)

    await reporting.plan()

    assert await reporting.every_run(off) == []
    assert (await one_run(reporting, moved)).at == datetime(2026, 8, 21, 21, tzinfo=UTC)


async def test_a_report_that_asks_too_much_fails_and_says_why(call: ApiCaller, reporting: Reporting) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    await reporting.plan()

    await reporting.runner(answers=Failing(TooManyGroups())).tick(until=reporting.clock.now() + LONG)

    run = await one_run(reporting, report_id)
    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.startswith("The answer would have too many rows.")
    assert reporting.bus.of("report.ready") == []


async def test_who_waits_for_a_report_is_told_once_that_it_could_not_be_made(
    call: ApiCaller, reporting: Reporting
) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    reporting.bus = BrokenBus()
    await reporting.plan()
    failing = Failing(TooManyGroups())
    await reporting.runner(answers=failing).tick(until=reporting.clock.now() + LONG)

    reporting.bus = RecordingBus()
    for _ in range(2):
        await reporting.runner(answers=failing).tick(until=reporting.clock.now() + LONG)

    [event] = reporting.bus.of("report.failed")
    [fact] = facts_of(event.type, event.id, event.data)
    assert fact.kind == "report_failed"
    assert [str(user) for user in fact.audience.user_ids] == RECIPIENTS["user_ids"]
    assert [address.email for address in fact.audience.addresses] == RECIPIENTS["addresses"]
    assert fact.variables == {"report_id": str(report_id), "report_name": "Spend by model"}
    assert reporting.bus.of("report.ready") == []


async def test_of_a_run_that_nobody_is_told_of_no_failure_is_told_either(call: ApiCaller, reporting: Reporting) -> None:
    report = await call.made("", **REPORT | {"recipients": RECIPIENTS})
    await call("POST", f"/{report['id']}/run", json={"notify": False})

    await reporting.runner(answers=Failing(TooManyGroups())).tick(until=reporting.clock.now() + LONG)

    assert reporting.bus.of("report.failed") == []


async def test_an_interval_that_is_too_short_for_the_range_is_named(call: ApiCaller, reporting: Reporting) -> None:
    report_id = await scheduled(call, question=REPORT["question"] | {"interval": "minute", "range": "last_30_days"})
    reporting.clock.advance(days=1)
    await reporting.plan()

    await reporting.runner().tick(until=reporting.clock.now() + LONG)

    assert "the shortest interval is hour" in str((await one_run(reporting, report_id)).failure)


@pytest.mark.parametrize("error", [TooSlow(), ObjectsUnavailable(), StoreUnavailable()], ids=lambda error: error.code)
async def test_what_does_not_answer_is_waited_for_and_given_up_after_a_day(
    call: ApiCaller, reporting: Reporting, error: Exception
) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    await reporting.plan()

    for _ in range(7):
        await reporting.runner(answers=Failing(error)).tick(until=reporting.clock.now() + LONG)
        reporting.clock.advance(minutes=2)
    waiting = await one_run(reporting, report_id)
    reporting.clock.advance(days=1)
    await reporting.runner(answers=Failing(error)).tick(until=reporting.clock.now() + LONG)

    assert waiting.state is RunState.RUNNING
    assert (await one_run(reporting, report_id)).state is RunState.FAILED


async def test_recipients_are_told_when_the_bus_is_back(call: ApiCaller, reporting: Reporting) -> None:
    await scheduled(call)
    reporting.clock.advance(days=1)
    reporting.bus = BrokenBus()
    await reporting.plan()
    await reporting.runner().tick(until=reporting.clock.now() + LONG)

    reporting.bus = RecordingBus()
    reporting.clock.advance(minutes=1)
    await reporting.runner().tick(until=reporting.clock.now() + LONG)

    assert len(reporting.bus.of("report.ready")) == 1


async def test_a_private_report_ends_when_its_owner_leaves_and_no_other_one_does(
    call: ApiCaller, other: ApiCaller, stranger: ApiCaller, reporting: Reporting
) -> None:
    stranger.principal = stranger.principal.model_copy(update={"actor_id": call.principal.actor_id})
    mine = await scheduled(call, visibility="private")
    ours = await scheduled(call)
    theirs = await scheduled(other, visibility="private")
    elsewhere = await scheduled(stranger, visibility="private")
    await call("POST", f"/{mine}/run", json={})

    for _ in range(2):
        await reporting.planner().forget(reporting.org_id, call.principal.actor_id)
    reporting.clock.advance(days=1)
    planned = await reporting.plan()

    with pytest.raises(NoSuchReport):
        await reporting.service.show(call.principal, mine)
    assert await reporting.every_run(mine) == []
    assert planned == 3
    for caller, report_id in ((call, ours), (other, theirs), (stranger, elsewhere)):
        assert (await caller("GET", f"/{report_id}")).status_code == 200


async def test_reports_of_a_closed_organization_are_run_no_more(
    call: ApiCaller, stranger: ApiCaller, reporting: Reporting
) -> None:
    reports = [await scheduled(call), await scheduled(call, visibility="private")]
    elsewhere = await scheduled(stranger)
    await call("POST", f"/{reports[0]}/run", json={"notify": True})

    for _ in range(2):
        await reporting.planner().close(reporting.org_id)
    reporting.clock.advance(days=1)

    assert await reporting.plan() == 1
    assert (await stranger("GET", f"/{elsewhere}")).status_code == 200
    assert [await reporting.every_run(report_id) for report_id in reports] == [[], []]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 5))
@pytest.mark.parametrize("how", ["close", "forget", "remove"])
async def test_no_run_is_left_when_whoever_deletes_its_report_is_killed_at_any_step_and_repeats(
    call: ApiCaller, reporting: Reporting, how: str, step: int, *, before: bool
) -> None:
    report_id = await scheduled(call, visibility="private")
    await call("POST", f"/{report_id}/run", json={})
    steps: list[str] = []
    mortal = {
        name: Mortal(port, steps, step, before=before)
        for name, port in {"reports": reporting.reports, "runs": reporting.runs}.items()
    }

    async def delete(**ports: Any) -> None:
        if how == "close":
            await reporting.planner(**ports).close(reporting.org_id)
        elif how == "forget":
            await reporting.planner(**ports).forget(reporting.org_id, call.principal.actor_id)
        else:
            with suppress(NoSuchReport):
                await reporting.service_with(**ports).remove(call.principal, report_id, expected=None)

    with suppress(Killed):
        await delete(**mortal)
    await delete()

    assert len(steps) == step
    assert await reporting.every_run(report_id) == []
    assert (await call("GET", f"/{report_id}")).status_code == 404


async def test_files_are_gone_after_a_week(call: ApiCaller, reporting: Reporting) -> None:
    report = await call.made("", **REPORT)
    run = (await call("POST", f"/{report['id']}/run", json={})).json()
    await reporting.runner().advance(UUID(run["id"]))
    reporting.clock.advance(days=7)

    shown = (await call("GET", f"/{report['id']}/runs/{run['id']}")).json()
    [listed] = (await call("GET", f"/{report['id']}/runs")).json()["data"]

    assert (shown["state"], shown["files"]) == ("expired", [])
    assert listed["state"] == "expired"


async def test_a_run_is_of_the_report_as_it_was_asked_for(call: ApiCaller, reporting: Reporting) -> None:
    report = await call.made("", **REPORT)
    run = (await call("POST", f"/{report['id']}/run", json={})).json()
    await call("PATCH", f"/{report['id']}", json={"formats": ["csv"], "name": "Other"})

    await reporting.runner().advance(UUID(run["id"]))

    done = await one_run(reporting, UUID(report["id"]))
    assert [file.format for file in done.files] == list(Format)


async def test_a_deleted_report_is_not_run_any_more(call: ApiCaller, reporting: Reporting) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    await reporting.plan()

    await call("DELETE", f"/{report_id}")

    assert await reporting.runner().tick(until=reporting.clock.now() + LONG) == 0
    assert await reporting.plan() == 0


async def test_a_report_that_is_deleted_while_it_is_planned_is_not_run(call: ApiCaller, reporting: Reporting) -> None:
    report_id = await scheduled(call)
    reporting.clock.advance(days=1)
    [due] = [each for each in await reporting.reports.due(now=reporting.clock.now(), limit=100) if each.id == report_id]
    await call("DELETE", f"/{report_id}")
    now = reporting.clock.now()
    await reporting.runs.add(run_of(due, new_id(), now, now, scheduled=True, notify=True))

    await reporting.runner().tick(until=now + LONG)

    assert await reporting.every_run(report_id) == []
    assert reporting.bus.of("report.ready") == []


async def test_runs_of_a_schedule_keep_nobody_from_asking_for_one(call: ApiCaller, reporting: Reporting) -> None:
    for _ in range(5):
        await scheduled(call)
    reporting.clock.advance(days=1)
    await reporting.plan()
    report = await call.made("", **REPORT)

    assert (await call("POST", f"/{report['id']}/run", json={})).status_code == 202
