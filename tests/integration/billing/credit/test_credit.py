"""Credit is spent in order and once, warned of once, given back, and expires."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from billing.ledger.bookings import promoted, topped_up
from billing.wallets.models import AutomaticTopUp, CreditSpentMeanwhile, Grant, Source
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from tests.integration.billing.calling import Catalogue
from tests.integration.billing.credit.bank import USD, Bank
from tests.integration.organizations import Org


async def promotion(bank: Bank, org_id: UUID, amount: int, **others: Any) -> Grant:
    return await bank.given(org_id, amount, promoted(new_id(), amount, USD), **others)


async def events(catalogue: Catalogue, org: Org) -> list[str]:
    return [envelope.type.removeprefix("llmo.billing.") for envelope in await catalogue.announced(org.org_id)]


async def test_what_is_spent_first(bank: Bank, org: Org) -> None:
    now = bank.clock.now()
    bought = await bank.given(org.org_id, 100, topped_up(new_id(), new_id(), 100, USD), source=Source.TOP_UP)
    lasting = await promotion(bank, org.org_id, 100, priority=10)
    late = await promotion(bank, org.org_id, 100, priority=10, expires_at=now + timedelta(days=9))
    soon = await promotion(bank, org.org_id, 100, priority=10, expires_at=now + timedelta(days=2))
    await promotion(bank, org.org_id, 100, priority=1, expires_at=now)  # too late for it
    first = await promotion(bank, org.org_id, 100, priority=9)

    spendable = await bank.credits.spendable(org.org_id, USD)
    assert [grant.id for grant in spendable] == [first.id, soon.id, late.id, lasting.id, bought.id]
    assert (await bank.wallet(org.org_id)).balance == 500
    assert await bank.credits.spendable(org.org_id, Currency.EUR) == []


async def test_an_invoice_takes_its_credit_once(bank: Bank, org: Org, catalogue: Catalogue) -> None:
    grant = await promotion(bank, org.org_id, 100)
    invoice_id = new_id()
    for _ in range(2):
        await bank.credits.spend(org.org_id, USD, invoice_id=invoice_id, amounts={grant.id: 30})

    assert await bank.left(org.org_id) == {grant.id: 70}
    await bank.require_traceable(org.org_id)
    assert (await bank.balances(org.org_id))[("receivable", invoice_id)] == -30
    assert await events(catalogue, org) == ["wallet.created", "credit.granted", "credit.spent"]
    assert await bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={}) is None


async def test_two_invoices_do_not_spend_the_same_credit(bank: Bank, org: Org) -> None:
    grant = await promotion(bank, org.org_id, 100)
    spent = await asyncio.gather(
        *(
            bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={grant.id: amount})
            for amount in (40, 40, 40)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(one, CreditSpentMeanwhile) for one in spent) == 1
    assert await bank.left(org.org_id) == {grant.id: 20}
    await bank.require_traceable(org.org_id)


async def test_two_grants_at_once_make_one_wallet(bank: Bank, org: Org) -> None:
    await asyncio.gather(*(promotion(bank, org.org_id, amount) for amount in (1, 2, 3, 4)))

    assert (await bank.wallet(org.org_id)).balance == 10
    await bank.require_traceable(org.org_id)


async def test_a_low_balance_is_told_once_until_it_is_more_again(bank: Bank, org: Org, catalogue: Catalogue) -> None:
    grant = await promotion(bank, org.org_id, 100)
    wallet = await bank.wallet(org.org_id)
    await bank.wallets.change(wallet.model_copy(update={"low_balance": 50}))
    for amount in (50, 1, 10):
        await bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={grant.id: amount})
    assert (await events(catalogue, org)).count("credit.low") == 1

    more = await promotion(bank, org.org_id, 100)
    await bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={more.id: 100})
    assert (await events(catalogue, org)).count("credit.low") == 2


async def test_what_nobody_spent_in_time_expires(bank: Bank, org: Org, catalogue: Catalogue) -> None:
    due = bank.clock.now() + timedelta(hours=1)
    free = await promotion(bank, org.org_id, 100, expires_at=due)
    bought = await bank.given(
        org.org_id, 50, topped_up(new_id(), new_id(), 50, USD), source=Source.TOP_UP, expires_at=due
    )
    lasting = await promotion(bank, org.org_id, 7)
    await bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={free.id: 60})
    wallet = await bank.wallet(org.org_id)
    await bank.wallets.change(wallet.model_copy(update={"low_balance": 50}))
    await bank.expiry.run()
    assert await bank.left(org.org_id) == {free.id: 40, bought.id: 50, lasting.id: 7}

    bank.clock.advance(hours=1)
    assert (await bank.wallet(org.org_id)).balance == 7
    await asyncio.gather(bank.expiry.run(), bank.expiry.run())

    assert await bank.left(org.org_id) == {free.id: 0, bought.id: 0, lasting.id: 7}
    await bank.require_traceable(org.org_id)
    balances = await bank.balances(org.org_id)
    assert (balances[("breakage", None)], balances[("promotions", None)]) == (-50, 60 + 7)
    told = await events(catalogue, org)
    assert (told.count("credit.expired"), told.count("credit.low")) == (2, 1)


async def test_a_void_invoice_gives_its_credit_back(bank: Bank, org: Org) -> None:
    soon = bank.clock.now() + timedelta(days=1)
    first = await promotion(bank, org.org_id, 100, priority=3, expires_at=soon)
    second = await promotion(bank, org.org_id, 100, priority=60)
    invoice_id, taken = new_id(), {first.id: 100, second.id: 20}
    await bank.credits.spend(org.org_id, USD, invoice_id=invoice_id, amounts=taken)
    bank.clock.advance(days=5)
    for _ in range(2):
        await bank.credits.restore(org.org_id, USD, invoice_id=invoice_id, amounts=taken)

    back = [grant for grant in await bank.credits.spendable(org.org_id, USD) if grant.source is Source.RESTORED]
    assert [(grant.amount, grant.priority, grant.expires_at) for grant in back] == [
        (100, 3, bank.clock.now() + timedelta(days=30)),
        (20, 60, None),
    ]
    assert (await bank.wallet(org.org_id)).balance == 200
    assert (await bank.balances(org.org_id))[("receivable", invoice_id)] == 0
    await bank.require_traceable(org.org_id)
    await bank.credits.restore(org.org_id, USD, invoice_id=new_id(), amounts={})


@pytest.fixture
async def prepaid(bank: Bank, org: Org) -> Grant:
    """Credit in a wallet that is topped up with 500 when less than 50 are left."""
    grant = await promotion(bank, org.org_id, 100)
    wallet = await bank.wallet(org.org_id)
    automatic = AutomaticTopUp(below=50, amount=500)
    await bank.wallets.change(wallet.model_copy(update={"automatic_top_up": automatic}))
    return grant


async def test_a_wallet_is_topped_up_by_itself_once_at_a_time(
    bank: Bank, org: Org, prepaid: Grant, catalogue: Catalogue
) -> None:
    assert await bank.top_ups.request_if_low(await bank.wallet(org.org_id)) is None
    wallet = await bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={prepaid.id: 60})
    assert wallet is not None
    requested = await asyncio.gather(*(bank.top_ups.request_if_low(wallet) for _ in range(4)))
    [top_up] = [one for one in requested if one is not None]

    assert (top_up.amount, top_up.automatic, top_up.created_by) == (500, True, None)
    assert (await events(catalogue, org)).count("top_up.requested") == 1
    for _ in range(2):
        await bank.top_ups.paid(org.org_id, top_up.id)
    assert (await bank.wallet(org.org_id)).balance == 540
    await bank.require_traceable(org.org_id)


async def test_a_top_up_that_was_not_paid_is_tried_again(
    bank: Bank, org: Org, prepaid: Grant, catalogue: Catalogue
) -> None:
    wallet = await bank.credits.spend(org.org_id, USD, invoice_id=new_id(), amounts={prepaid.id: 60})
    assert wallet is not None
    first = await bank.top_ups.request_if_low(wallet)
    assert first is not None
    for _ in range(2):
        await bank.top_ups.failed(org.org_id, first.id, "The card was declined.")
    assert (await events(catalogue, org)).count("top_up.failed") == 1

    second = await bank.top_ups.request_if_low(wallet)
    assert second is not None
    await bank.top_ups.paid(org.org_id, second.id)
    await bank.top_ups.failed(org.org_id, second.id, "too late")
    await bank.top_ups.paid(org.org_id, first.id)  # its payment succeeded after all
    assert (await bank.wallet(org.org_id)).balance == 1040
    await bank.require_traceable(org.org_id)
