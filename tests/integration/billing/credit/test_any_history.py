"""Whatever happens to credit: no grant is overdrawn, and the ledger traces every cent."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ledger.bookings import promoted, topped_up
from billing.wallets.models import CreditSpentMeanwhile, Source
from llmo_core.ids import new_id
from tests.integration.billing.credit.bank import USD, Bank

AMOUNTS = st.integers(1, 1000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), AMOUNTS, st.integers(1, 100), st.one_of(st.none(), st.integers(1, 9))),
        st.tuples(st.just("sell"), AMOUNTS, st.integers(1, 100), st.one_of(st.none(), st.integers(1, 9))),
        st.tuples(st.just("spend"), AMOUNTS),
        st.tuples(st.just("overspend"), AMOUNTS),
        st.tuples(st.just("void"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 4)),
        st.tuples(st.just("expire")),
    ),
    max_size=15,
)


class History:
    """Does what happens, and keeps what there should be."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self.org_id = new_id()
        self.granted = self.spent = self.expired = 0
        self._invoices: list[tuple[Any, dict[Any, int]]] = []

    async def give(self, amount: int, priority: int, days: int | None) -> None:
        await self._grant(amount, promoted(new_id(), amount, USD), Source.PROMOTION, priority, days)

    async def sell(self, amount: int, priority: int, days: int | None) -> None:
        await self._grant(amount, topped_up(new_id(), new_id(), amount, USD), Source.TOP_UP, priority, days)

    async def spend(self, amount: int) -> None:
        invoice_id, taken = new_id(), {}
        for grant in await self._bank.credits.spendable(self.org_id, USD):
            if part := min(amount, grant.remaining):
                taken[grant.id] = part
                amount -= part
        await self._bank.credits.spend(self.org_id, USD, invoice_id=invoice_id, amounts=taken)
        self._invoices.append((invoice_id, taken))
        self.spent += sum(taken.values())

    async def overspend(self, amount: int) -> None:
        for grant in await self._bank.credits.spendable(self.org_id, USD):
            with pytest.raises(CreditSpentMeanwhile):
                await self._bank.credits.spend(
                    self.org_id, USD, invoice_id=new_id(), amounts={grant.id: grant.remaining + amount}
                )

    async def void(self, number: int) -> None:
        if number >= len(self._invoices):
            return
        invoice_id, taken = self._invoices.pop(number)
        for _ in range(2):
            await self._bank.credits.restore(self.org_id, USD, invoice_id=invoice_id, amounts=taken)
        self.spent -= sum(taken.values())

    async def wait(self, days: int) -> None:
        self._bank.clock.advance(days=days)

    async def expire(self) -> None:
        self.expired += await self._bank.credits.expire(self.org_id, USD)

    async def _grant(self, amount: int, booking: Any, source: Source, priority: int, days: int | None) -> None:
        expires_at = self._bank.clock.now() + timedelta(days=days) if days else None
        await self._bank.given(self.org_id, amount, booking, source=source, priority=priority, expires_at=expires_at)
        self.granted += amount


@settings(max_examples=40)
@given(steps=STEPS)
async def test_every_cent_is_traceable(bank: Bank, steps: list[tuple[Any, ...]]) -> None:
    history = History(bank)
    for step, *arguments in steps:
        await getattr(history, step)(*arguments)

    await bank.require_traceable(history.org_id)
    left = await bank.left(history.org_id)
    assert min(left.values(), default=0) >= 0
    assert sum(left.values()) == history.granted - history.spent - history.expired
