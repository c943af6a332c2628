"""Statuses of messages move forward only, in whatever order they are told."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from notification.models import Status, follows

_TOLD = [
    *(Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED, Status.FAILED, Status.BOUNCED, Status.COMPLAINED),
]


@given(st.permutations(_TOLD), st.lists(st.sampled_from(_TOLD)))
def test_the_last_word_does_not_depend_on_the_order(told: list[Status], repeated: list[Status]) -> None:
    final = reduce(lambda now, later: later if follows(now, later) else now, [*told, *repeated], Status.SENDING)
    assert final is Status.COMPLAINED


@given(st.sampled_from(Status))
def test_nothing_is_told_of_what_was_not_sent(later: Status) -> None:
    for status in (Status.CANCELLED, Status.SKIPPED, Status.SUPPRESSED, Status.EXPIRED, Status.DIGESTED):
        assert not follows(status, later)
