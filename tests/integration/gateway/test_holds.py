"""Holding, settling, cancelling and expiring in any order: counters are true, and no budget is exceeded."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from integration.budget_windows import Scope, Window
from integration.gateway.admission import RedisAdmissions
from integration.gateway.call import Call
from integration.gateway.calls import read_call
from integration.gateway.endpoints.completions import ChatCompletions
from integration.gateway.flight import Hold
from integration.gateway.leftovers import RedisLeftovers
from integration.gateway.limit_errors import BudgetExceeded, BudgetReserved
from integration.gateway.organization import Budget, Organization
from integration.gateway.planning import Plan, Planner
from integration.gateway.pricing import PriceTable
from integration.gateway.settlement import RedisSettlements
from integration.gateway.sweep import Sweep
from llmo_auth import api_key
from llmo_core.ids import new_id
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_messaging.envelope import Envelope

PEPPER = b"pepper"
BEGINS = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOLD_SECONDS = 960
LIMITS = (1000, 700)  # pico-dollars: of the key's month, and of the organization's day


@dataclass
class HandClock:
    """Time that goes on when it is told to."""

    moment: datetime = BEGINS

    def now(self) -> datetime:
        """The moment."""
        return self.moment


class Nowhere:
    """A bus that takes everything, and keys of nobody."""

    async def publish(self, events: object) -> None:
        """Take them."""

    async def find(self, _digest: str) -> None:
        """Nothing."""


class Holds(RuleBasedStateMachine):
    """One organization's calls."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self.open: dict[UUID, int] = {}
        self.spent = 0
        self.clock = HandClock()
        self.organization = Organization(
            budgets=(Budget("b", Scope.ORGANIZATION, None, Window.DAY, LIMITS[1], hard=True, alerts=(50,)),)
        )

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @initialize()
    def connect(self) -> None:
        """A new organization with a key."""
        self._run(self._connect())

    async def _connect(self) -> None:
        self.redis = PipelinedRedis(self.url)
        self.key = api_key.generate(api_key.new_org_ref())
        self.tag = f"{{{self.key.org_ref}}}"
        self.settlements = RedisSettlements(self.redis, clock=self.clock)
        self.admissions = RedisAdmissions(
            self.redis,
            records=Nowhere(),
            settlements=self.settlements,
            pepper=PEPPER,
            clock=self.clock,
            timer=lambda: 0.0,
            hold_seconds=HOLD_SECONDS,
        )
        key_id = str(new_id())
        self.org_id = new_id()
        record = {"key_id": key_id, "org_id": str(self.org_id), "project_id": str(new_id())}
        budgets = [["key", key_id, str(LIMITS[0])]]
        text = orjson.dumps({**record, "budgets": budgets})
        await self.redis.call("SET", f"{self.tag}:key:{self.key.digest(PEPPER)}", text)
        self.counters = (
            f"{self.tag}:spend:key:{key_id}:2026-11",
            f"{self.tag}:budget:b:{record['org_id']}:2026-11-25",
        )

    @rule(amount=st.integers(0, 400))
    def admit(self, amount: int) -> None:
        """A call that can cost so much is held, or refused because it would not fit."""
        hold = _hold(amount, self.clock.now())
        fits = all(self.spent + sum(self.open.values()) + amount <= limit for limit in LIMITS)
        if fits:
            self._run(self._admit(hold))
            self.open[hold.event_id] = amount
            return
        with pytest.raises((BudgetExceeded, BudgetReserved)):
            self._run(self._admit(hold))

    async def _admit(self, hold: Hold) -> None:
        await self.admissions.admit(self.key, CALL, hold, organization=self.organization)

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False), share=st.floats(0, 1), times=st.integers(1, 3))
    def settle(self, pick: Any, share: float, times: int) -> None:
        """A call ends, and costs what it was held for at most; ending it again changes nothing."""
        hold_id = pick.choice(sorted(self.open))
        cost = int(self.open.pop(hold_id) * share)
        ended = [self._run(self._settle(hold_id, cost)) for _ in range(times)]
        assert [end is not None for end in ended] == [True] + [False] * (times - 1)
        self.spent += cost

    async def _settle(self, hold_id: UUID, cost: int) -> object:
        return await self.settlements.settle_hold(
            self.key.org_ref, hold_id, cost_pico=cost, tokens=1, event=_event(hold_id, self.org_id)
        )

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False))
    def cancel(self, pick: Any) -> None:
        """A call is never made."""
        hold_id = pick.choice(sorted(self.open))
        del self.open[hold_id]
        self._run(self.settlements.cancel(self.key.org_ref, hold_id))

    @rule()
    def expire(self) -> None:
        """Whatever is under way dies, and the sweeper charges the input of each: a pico-dollar."""
        self.clock.moment += timedelta(seconds=HOLD_SECONDS + 1)
        sweep = Sweep(leftovers=RedisLeftovers(self.redis, self.settlements), bus=Nowhere(), clock=self.clock)
        swept = self._run(sweep._release_holds(self.key.org_ref))
        assert swept == len(self.open)
        self.spent += len(self.open)
        self.open.clear()
        self.clock.moment = BEGINS

    @invariant()
    def counters_are_true(self) -> None:
        """What is spent and held is what was, and fits every budget."""
        for name, limit in zip(self.counters, LIMITS, strict=True):
            spent, held = self._run(self.redis.call("HMGET", name, "spent", "held"))
            assert (int(spent or 0), int(held or 0)) == (self.spent, sum(self.open.values()))
            assert self.spent <= limit + len(self.open)

    def teardown(self) -> None:
        """Close the connection."""
        self._run(self.redis.aclose())
        self._runner.close()


def _call() -> tuple[Call, Plan]:
    planner = Planner(PriceTable({}, now=lambda: BEGINS), now=lambda: BEGINS)
    chat = ChatCompletions()
    plan = planner.plan(Organization(), chat.units, "gpt-4o-mini")
    raw = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}'
    no_store = {"x-llmo-cache": "no-store"}
    return read_call(chat, raw, no_store, lambda _: plan), plan


CALL, PLAN = _call()


def _hold(amount: int, now: datetime) -> Hold:
    return Hold(
        request_id="r",
        event_id=new_id(),
        amount_pico=amount,
        input_pico=1,
        target=PLAN.targets[0],
        route=None,
        started_at=now,
    )


def _event(hold_id: UUID, org_id: UUID) -> Envelope:
    return Envelope(id=hold_id, orgid=org_id, source="llmo.tests", type="llmo.tests.settled", time=BEGINS, data={})


def test_counters_are_true_whatever_happens_in_whatever_order(redis_url: str) -> None:
    machine = type("Holds", (Holds,), {"url": redis_url})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=30))
