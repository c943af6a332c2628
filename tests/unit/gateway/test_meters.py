"""Which limits and budgets a call is counted against."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.budget_windows import Scope, Window
from integration.gateway.meters import metered
from integration.gateway.models import KeyRecord
from integration.gateway.organization import Budget, Organization, RateLimit

KEY = KeyRecord(key_id=UUID(int=1), org_id=UUID(int=2), project_id=UUID(int=3))
NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)


def budget(scope: Scope, subject: str | None = None, **changes: Any) -> Budget:
    made = {"id": f"{scope} {subject}", "window": Window.DAY, "limit_pico": 5, "hard": True, "alerts": (50,), **changes}
    return Budget(scope=scope, subject=subject, **made)


@pytest.mark.parametrize(
    ("set_for", "end_user", "counts"),
    [
        (budget(Scope.ORGANIZATION), None, True),
        (budget(Scope.PROJECT), None, True),
        (budget(Scope.PROJECT, str(KEY.project_id)), None, True),
        (budget(Scope.PROJECT, str(KEY.key_id)), None, False),
        (budget(Scope.KEY, str(KEY.key_id)), None, True),
        (budget(Scope.END_USER), None, False),
        (budget(Scope.END_USER), "ada", True),
        (budget(Scope.END_USER, "ada"), "ada", True),
        (budget(Scope.END_USER, "bob"), "ada", False),
    ],
)
def test_a_budget_counts_the_calls_of_its_subject(set_for: Budget, end_user: str | None, *, counts: bool) -> None:
    organization = Organization(budgets=(set_for,))
    assert bool(metered(organization, KEY, end_user, NOW)) == counts


@given(
    users=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2, max_size=2, unique=True)
)
def test_no_two_end_users_share_a_counter_and_no_name_is_one_of_redis(users: list[str]) -> None:
    organization = Organization(budgets=(budget(Scope.END_USER),), limits=(limit(Scope.END_USER),))
    names = [
        [meter["name"] for meters in orjson.loads(metered(organization, KEY, user, NOW)).values() for meter in meters]
        for user in users
    ]
    assert not {*names[0]} & {*names[1]}
    assert all(name.isascii() and "{" not in name for name in [*names[0], *names[1]])


def limit(scope: Scope) -> RateLimit:
    return RateLimit("l", scope, None, 10, None, 1000, None)


@pytest.mark.parametrize(
    ("set_for", "indexed"),
    [
        (budget(Scope.ORGANIZATION), False),
        (budget(Scope.KEY), True),
        (budget(Scope.END_USER), True),
        (budget(Scope.END_USER, "ada"), False),
    ],
)
def test_subjects_are_indexed_where_each_is_counted_by_itself(set_for: Budget, *, indexed: bool) -> None:
    (written,) = orjson.loads(metered(Organization(budgets=(set_for,)), KEY, "ada", NOW))["budgets"]
    assert written.get("index") == (f":budget:{set_for.id}:2026-11-25:subjects" if indexed else None)


def test_what_is_not_limited_is_left_out() -> None:
    organization = Organization(limits=(limit(Scope.KEY),))
    (written,) = orjson.loads(metered(organization, KEY, None, NOW))["limits"]
    assert written == {"scope": "key", "name": f":limit:l:{KEY.key_id}", "rpm": 10, "tpd": 1000}
