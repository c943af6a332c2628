"""Groups come in the order that was asked for, and what lies beyond the limit is summed up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from analytics.querying.metrics import value
from analytics.querying.models import Metric, Order, Question
from analytics.querying.service import Answers
from analytics.rollups.models import Key
from analytics.rollups.reading import Seen
from analytics.rollups.tallies import Tally, dollars
from analytics.usage.models import Dimension

START = datetime(2026, 8, 17, tzinfo=UTC)
ORDERED = [Metric.COST_USD, Metric.REQUESTS, Metric.ERROR_RATE, Metric.LATENCY_P95, Metric.COST_PER_REQUEST_USD]


class Groups:
    """A reading that has seen these."""

    def __init__(self, groups: dict[Key, Tally]) -> None:
        self._groups = groups

    async def see(self, _look: Any, **_given: Any) -> Seen:
        return Seen({(0, key): tally for key, tally in self._groups.items()}, frozenset())


def tallied(requests: int, errors: int, cost: int, latency: int | None) -> Tally:
    tally = Tally()
    tally.counts[:2] = [requests, errors]
    tally.cost = cost
    tally.latency = {} if latency is None else {latency: requests}
    return tally


tallies = st.builds(
    tallied, st.integers(1, 3), st.integers(0, 3), st.integers(0, 10**30), st.none() | st.integers(100, 102)
)


@given(
    groups=st.dictionaries(st.tuples(st.sampled_from([None, "", "a", "b", "c", "ä"])), tallies),
    order=st.none() | st.builds(Order, metric=st.sampled_from(ORDERED), descending=st.booleans()),
    limit=st.integers(1, 8),
)
async def test_the_first_groups_are_shown_in_order(groups: dict[Key, Tally], order: Order | None, limit: int) -> None:
    question = Question(
        org_id=UUID(int=1),
        start=START,
        end=START + timedelta(days=1),
        metrics=(Metric.REQUESTS, Metric.COST_USD),
        dimensions=(Dimension.MODEL,),
        order=order,
        limit=limit,
    )

    reading: Any = Groups(groups)
    answer = await Answers(reading=reading).ask(question)

    ordered = sorted(groups, key=lambda group: (group[0] is not None, group[0] or ""))
    if order is not None:
        known = [group for group in ordered if value(groups[group], order.metric) is not None]
        sizes = {group: Decimal(value(groups[group], order.metric) or 0) for group in known}
        known.sort(key=sizes.__getitem__, reverse=order.descending)  # what is equal stays in the order of names
        ordered = known + [group for group in ordered if group not in known]
    assert [row.group for row in answer.rows] == ordered[:limit]
    beyond = [groups[group] for group in ordered[limit:]]
    assert (answer.others is None) is (not beyond)
    if answer.others is not None:
        assert answer.others == (sum(each.requests for each in beyond), dollars(sum(each.cost for each in beyond)))
    everything = groups.values()
    assert answer.totals == (sum(each.requests for each in everything), dollars(sum(each.cost for each in everything)))
