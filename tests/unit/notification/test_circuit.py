"""When a provider is left alone, whatever happens in whatever order."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from notification.delivery.circuit import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Circuit, Rate, Ticket
from notification.delivery.ports import Failed, Outcome, Refused, Sent

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DOWN = Failed("down")
SENT = Sent("1")


def middle() -> float:
    return 0.5  # no jitter


def opened(circuit: Circuit, now: datetime = NOW) -> None:
    for _ in range(FAILURES):
        ticket = circuit.admit(1, now)
        assert ticket is not None
        circuit.note(ticket, [DOWN], now)


def test_it_opens_after_failures_in_a_row_and_only_then() -> None:
    circuit = Circuit(random=middle)
    outcomes: list[Outcome] = [*[DOWN] * (FAILURES - 1), Refused("no"), *[DOWN] * (FAILURES - 1)]
    for outcome in outcomes:
        ticket = circuit.admit(10, NOW)
        assert ticket is not None
        circuit.note(ticket, [outcome] * 10, NOW)
    ticket = circuit.admit(10, NOW)
    assert ticket is not None
    circuit.note(ticket, [DOWN] * 10, NOW)
    assert circuit.admit(1, NOW) is None
    assert circuit.wait(NOW) == FIRST_PAUSE


def test_a_refused_account_opens_it_at_once() -> None:
    circuit = Circuit(random=middle)
    ticket = circuit.admit(1, NOW)
    assert ticket is not None
    circuit.note(ticket, [Failed("wrong key", ours=True)], NOW)
    assert circuit.admit(1, NOW) is None


def test_after_the_pause_one_message_is_let_through_and_all_when_it_is_taken() -> None:
    circuit = Circuit(random=middle)
    opened(circuit)
    later = NOW + FIRST_PAUSE
    probe = circuit.admit(100, later)
    assert probe is not None
    assert probe.count == 1
    assert circuit.admit(100, later) is None
    circuit.note(probe, [SENT], later)
    everything = circuit.admit(100, later)
    assert everything is not None
    assert everything.count == 100


def test_the_pause_doubles_while_probes_fail_and_has_an_end() -> None:
    circuit = Circuit(random=middle)
    opened(circuit)
    now, pauses = NOW, list[timedelta]()
    for _ in range(8):
        pauses.append(circuit.wait(now))
        now += pauses[-1]
        probe = circuit.admit(1, now)
        assert probe is not None
        circuit.note(probe, [DOWN], now)
    assert pauses[:4] == [FIRST_PAUSE * factor for factor in (1, 2, 4, 8)]
    assert pauses[-1] == LONGEST_PAUSE


def test_jitter_keeps_workers_from_coming_back_together() -> None:
    earliest, latest = Circuit(random=lambda: 0.0), Circuit(random=lambda: 1.0)
    opened(earliest)
    opened(latest)
    assert earliest.wait(NOW) == FIRST_PAUSE * 0.8
    assert latest.wait(NOW) == FIRST_PAUSE * 1.2


def test_who_wants_to_be_left_alone_is_and_is_no_failure() -> None:
    circuit = Circuit(random=middle)
    now = NOW
    for _ in range(FAILURES + 1):
        ticket = circuit.admit(1, now)
        assert ticket is not None
        circuit.note(ticket, [Failed("busy", retry_after=timedelta(seconds=7))], now)
        assert circuit.admit(1, now + timedelta(seconds=6.9)) is None
        now += timedelta(seconds=7)


def test_a_probe_that_was_given_up_lets_the_next_one_through() -> None:
    circuit = Circuit(random=middle)
    opened(circuit)
    later = NOW + FIRST_PAUSE
    probe = circuit.admit(1, later)
    assert probe is not None
    circuit.release(probe)
    assert circuit.admit(1, later) is not None


def test_what_was_begun_before_it_opened_does_not_close_it() -> None:
    circuit = Circuit(random=middle)
    early = circuit.admit(1, NOW)
    assert early is not None
    opened(circuit)
    circuit.note(early, [SENT], NOW)
    assert circuit.admit(1, NOW) is None


def test_servers_of_the_recipients_choice_keep_nobody_else_waiting() -> None:
    circuit = Circuit(random=middle, of_many=True)
    for outcome in [*[DOWN] * FAILURES, Failed("no", ours=True), Failed("busy", retry_after=timedelta(hours=1))]:
        ticket = circuit.admit(1, NOW)
        assert ticket is not None
        circuit.note(ticket, [outcome], NOW)
    assert circuit.wait(NOW) == timedelta()


class AnyOrder(RuleBasedStateMachine):
    """Calls that overlap and end as they like, while time passes."""

    rate = Rate(per_second=10, burst=20)

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.circuit = Circuit(random=middle, rate=self.rate)
        self.under_way: list[Ticket] = []
        self.passed = 0
        self.left_alone_until = NOW

    @rule(wanted=st.integers(1, 50))
    def asks(self, wanted: int) -> None:
        wait = self.circuit.wait(self.now)
        ticket = self.circuit.admit(wanted, self.now)
        assert (ticket is not None) == (wait == timedelta())
        if ticket is None:
            return
        assert 1 <= ticket.count <= wanted
        assert self.now >= self.left_alone_until
        if ticket.probe:
            assert ticket.count == 1
            assert not any(each.probe and each.turn == ticket.turn for each in self.under_way)
        self.passed += ticket.count
        self.under_way.append(ticket)

    @rule(which=st.integers(0), outcome=st.sampled_from([SENT, DOWN, Failed("?", unknown=True), Refused("no")]))
    def ends(self, which: int, outcome: Outcome) -> None:
        if self.under_way:
            ticket = self.under_way.pop(which % len(self.under_way))
            self.circuit.note(ticket, [outcome] * ticket.count, self.now)

    @rule(which=st.integers(0), seconds=st.integers(0, 30))
    def is_busy(self, which: int, seconds: int) -> None:
        if self.under_way:
            ticket = self.under_way.pop(which % len(self.under_way))
            wanted = timedelta(seconds=seconds)
            self.circuit.note(ticket, [Failed("busy", retry_after=wanted)] * ticket.count, self.now)
            self.left_alone_until = max(self.left_alone_until, self.now + wanted)

    @rule(which=st.integers(0))
    def is_given_up(self, which: int) -> None:
        if self.under_way:
            self.circuit.release(self.under_way.pop(which % len(self.under_way)))

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def no_more_passes_than_may(self) -> None:
        passed_time = (self.now - NOW).total_seconds()
        assert self.passed <= self.rate.burst + passed_time * self.rate.per_second + 0.01

    @invariant()
    def it_is_never_left_alone_for_ever(self) -> None:
        longest = max(LONGEST_PAUSE * 1.2, self.left_alone_until - self.now)
        assert self.circuit.wait(self.now) <= longest


TestAnyOrder = AnyOrder.TestCase
