"""An organization's settings over HTTP."""

import pytest

from tests.integration.management.calling import Caller, Management


async def test_before_anybody_set_something_days_are_utcs(caller: Caller) -> None:
    answer = await caller("GET", "settings")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert answer.json() == {"time_zone": "UTC", "version": 1, "updated_by": None, "updated_at": None}


async def test_a_time_zone_is_set_for_the_version_that_it_is_meant_for_announced_and_told(
    caller: Caller, management: Management
) -> None:
    put = await caller("PUT", "settings", json={"time_zone": "America/St_Johns"}, headers={"If-Match": '"1"'})
    assert (put.status_code, put.headers["etag"]) == (200, '"2"')
    assert (put.json()["time_zone"], put.json()["updated_by"]) == ("America/St_Johns", str(caller.org.key_id))
    assert (await caller("GET", "settings")).json() == put.json()
    version = await management.config_version(caller.org)
    assert version is not None

    stale = await caller("PUT", "settings", json={"time_zone": "UTC"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")
    again = await caller("PUT", "settings", json={"time_zone": "America/St_Johns"})
    assert (again.status_code, again.headers["etag"], again.json()) == (200, '"2"', put.json())
    (changed,) = await management.announced(caller.org.org_id)
    assert (changed.type, changed.data["time_zone"]) == ("llmo.integration.settings.changed", "America/St_Johns")

    assert (await caller("PUT", "settings", json={"time_zone": "UTC"})).headers["etag"] == '"3"'
    assert await management.config_version(caller.org) != version


@pytest.mark.parametrize(
    ("zone", "status"),
    [
        ("Europe/Atlantis", 400),
        ("utc", 400),
        ("posixrules", 400),
        ("posix/UTC", 400),
        ("/etc/localtime", 400),
        ("../../etc/passwd", 422),
        ("", 422),
        ("Europe/Berlin\n", 422),
        ("x" * 61, 422),
        (None, 422),
        (1, 422),
    ],
)
async def test_what_is_no_time_zone_is_refused(caller: Caller, zone: str | int | None, status: int) -> None:
    answer = await caller("PUT", "settings", json={"time_zone": zone})
    assert answer.status_code == status
    assert status != 400 or answer.json()["type"] == "urn:llmo:problem:unknown_time_zone"
    assert (await caller("GET", "settings")).json()["time_zone"] == "UTC"


async def test_another_organization_has_its_own(caller: Caller, stranger: Caller) -> None:
    await caller("PUT", "settings", json={"time_zone": "Asia/Tokyo"})
    assert (await stranger("GET", "settings")).json()["time_zone"] == "UTC"


async def test_a_reader_changes_nothing(caller: Caller) -> None:
    reader = Caller(caller.org, permissions=frozenset({"budgets:read"}))
    assert (await reader("GET", "settings")).status_code == 200
    assert (await reader("PUT", "settings", json={"time_zone": "Asia/Tokyo"})).status_code == 403
