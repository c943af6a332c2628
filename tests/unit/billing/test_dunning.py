"""What is done about invoices that could not be collected, and how well that makes organizations served."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning.models import Dunning, NothingToDelay, Outcome, Service, Standing
from billing.dunning.plan import Action, DunningPlan
from llmo_core.ids import new_id

NOW = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = DunningPlan.parse("1:retry+remind,3:retry+remind,5:retry+restrict,7:retry+suspend")
ORG = new_id()


def opened(plan: DunningPlan = PLAN) -> Dunning:
    return Dunning.opened(ORG, new_id(), plan, now=NOW, day=DAY)


def after(steps: int) -> Dunning:
    dunning = opened()
    for _ in range(steps):
        assert dunning.next_at is not None
        dunning = dunning.stepped(dunning.next_at, DAY)
    return dunning


def test_a_plan_is_read_as_it_is_written() -> None:
    assert [(step.day, step.actions) for step in PLAN.steps][2] == (5, (Action.RETRY, Action.RESTRICT))


@pytest.mark.parametrize("text", ["", "1", "x:retry", "1:charge", "1:retry,1:suspend", "3:retry,1:retry", "400:retry"])
def test_a_plan_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"DunningPlan"):
        DunningPlan.parse(text)


def test_its_steps_come_on_their_days_and_restrict_before_they_suspend() -> None:
    found = [after(steps) for steps in range(5)]
    assert [each.next_at for each in found] == [NOW + days * DAY if days else None for days in (1, 3, 5, 7, 0)]
    standings = [each.standing for each in found]
    assert standings == [Standing.GOOD, Standing.GOOD, Standing.GOOD, Standing.RESTRICTED, Standing.SUSPENDED]
    assert [each.over for each in found] == [False, False, False, False, True]


def test_a_step_that_is_late_does_not_make_the_others_come_all_at_once() -> None:
    late = opened().stepped(NOW + 30 * DAY, DAY)
    assert late.next_at == NOW + 32 * DAY


def test_each_step_charges_once() -> None:
    dunning = opened()
    assert dunning.wants_retry
    charged = dunning.retrying()
    assert not charged.wants_retry
    assert charged.stepped(NOW + DAY, DAY).wants_retry
    assert not opened(DunningPlan.parse("1:remind")).wants_retry


def test_nothing_comes_before_it_was_put_off_to_and_nothing_comes_earlier_by_that() -> None:
    assert opened().delayed(NOW + 9 * DAY).next_at == NOW + 9 * DAY
    assert opened().delayed(NOW).next_at == NOW + DAY
    with pytest.raises(NothingToDelay):
        after(4).delayed(NOW)


def test_what_is_settled_is_good_again() -> None:
    closed = after(4).closed(Outcome.PAID, NOW)
    assert (closed.standing, closed.over, closed.due(NOW + 99 * DAY)) == (Standing.GOOD, True, False)


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=12))
def test_service_is_as_bad_as_the_worst_invoice_and_every_change_has_its_revision(history: Sequence[list[int]]) -> None:
    service = Service(org_id=ORG)
    for number, steps in enumerate(history):
        dunnings = [after(each) for each in steps]
        now = NOW + number * DAY
        then = service.given(dunnings, now)
        worst = max((each.standing for each in dunnings), key=lambda each: each.severity, default=Standing.GOOD)
        assert then.standing is worst
        assert (then.invoice_id is None) == (worst is Standing.GOOD)
        assert then.revision == service.revision + (then != service)
        assert then.given(dunnings, now + DAY) == then
        if then.standing is service.standing:
            assert then.since == service.since
        service = then


def test_service_stays_bad_on_account_of_the_same_invoice_until_that_one_is_settled() -> None:
    first, second = after(4), after(4)
    suspended = Service(org_id=ORG).given([first], NOW)
    assert suspended.given([second, first], NOW) == suspended
    other = suspended.given([second], NOW + DAY)
    assert (other.invoice_id, other.revision, other.since) == (second.invoice_id, 2, NOW)
    restored = other.given([], NOW + DAY)
    assert (restored.standing, restored.since, restored.revision) == (Standing.GOOD, NOW + DAY, 3)
