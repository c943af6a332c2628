"""Wallets over HTTP: what is asked for, what is refused, and who sees what."""

import asyncio
from typing import Any

import pytest

from billing.ledger.bookings import promoted
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import READER, Caller, Catalogue
from tests.integration.billing.credit.bank import USD, Bank
from tests.integration.organizations import MakeOrg

WALLET = {"currency": "USD", "name": "Prepaid", "low_balance": 1000, "automatic_top_up": {"below": 500, "amount": 5000}}
CREDIT = {"currency": "USD", "amount": 2000, "reason": "Welcome"}

pytestmark = pytest.mark.usefixtures("bank")


async def test_a_wallet_is_made_read_and_changed(customer: Caller) -> None:
    answer = await customer("POST", "wallets", json=WALLET)
    made = answer.json()

    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert made == WALLET | {"id": made["id"], "balance": 0, "revision": 1, "created_at": made["created_at"]}
    assert await customer.listed("wallets") == [made]
    changed = await customer("PUT", f"wallets/{made['id']}", json={"name": "Credit"}, headers={"if-match": '"1"'})
    assert changed.json() == made | {"name": "Credit", "low_balance": None, "automatic_top_up": None, "revision": 2}
    assert (await customer("GET", f"wallets/{made['id']}")).json() == changed.json()
    stale = await customer("PUT", f"wallets/{made['id']}", json={"name": "Other"}, headers={"if-match": '"1"'})
    assert problem(stale) == (412, "wallet_changed_meanwhile")


async def test_there_is_one_wallet_in_each_currency(customer: Caller, operator: Caller) -> None:
    await customer.made("wallets", **WALLET)
    await customer.made("wallets", currency="JPY", name="Yen")
    await operator.made("wallets", **WALLET)

    assert problem(await customer("POST", "wallets", json=WALLET)) == (409, "wallet_exists")
    assert [wallet["currency"] for wallet in await customer.listed("wallets")] == ["JPY", "USD"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        WALLET | {"currency": "XXX"},
        WALLET | {"name": " "},
        WALLET | {"low_balance": 0},
        WALLET | {"low_balance": 10.5},
        WALLET | {"automatic_top_up": {"below": 500}},
        WALLET | {"automatic_top_up": {"below": 500, "amount": -1}},
        WALLET | {"automatic_top_up": {"below": 500, "amount": 10**16}},
        WALLET | {"balance": 100},
    ],
)
async def test_a_wallet_that_makes_no_sense_is_refused(customer: Caller, body: dict[str, Any]) -> None:
    assert problem(await customer("POST", "wallets", json=body)) == (422, "malformed_request")
    assert await customer.listed("wallets") == []


async def test_a_wallet_is_topped_up_with_what_can_be_charged(customer: Caller) -> None:
    body = {"currency": "KWD", "name": "Dinars", "automatic_top_up": {"below": 500, "amount": 5005}}
    assert problem(await customer("POST", "wallets", json=body)) == (400, "unchargeable_amount")
    made = await customer.made("wallets", currency="KWD", name="Dinars")
    assert problem(await customer("PUT", f"wallets/{made['id']}", json=body)) == (422, "malformed_request")
    del body["currency"]
    assert problem(await customer("PUT", f"wallets/{made['id']}", json=body)) == (400, "unchargeable_amount")


async def test_the_operator_gives_credit(operator: Caller, customer: Caller, catalogue: Catalogue) -> None:
    org_id = customer.org.org_id
    given = await operator.made(f"accounts/{org_id}/grants", **CREDIT, expires_at="2999-01-01T00:00:00Z")

    [wallet] = await customer.listed("wallets")
    assert wallet["balance"] == 2000
    assert await customer.listed(f"wallets/{wallet['id']}/grants") == [given]
    assert (given["source"], given["remaining"], given["priority"], given["reason"]) == (
        "promotion",
        2000,
        10,
        "Welcome",
    )
    [booking] = await customer.listed("ledger")
    assert (booking["kind"], booking["reference"]) == ("promoted", given["id"])
    assert booking["entries"] == [
        {"account": "promotions", "subject": None, "amount": 2000},
        {"account": "credit", "subject": given["id"], "amount": -2000},
    ]
    assert await operator.listed("wallets") == await operator.listed("ledger") == []
    announced = [envelope.type for envelope in await catalogue.announced(org_id)]
    assert announced == ["llmo.billing.wallet.created", "llmo.billing.credit.granted"]


async def test_credit_with_an_id_is_given_once(operator: Caller, customer: Caller, make_org: MakeOrg) -> None:
    chosen = CREDIT | {"id": str(new_id())}
    path = f"accounts/{customer.org.org_id}/grants"
    given = await asyncio.gather(*(operator("POST", path, json=chosen) for _ in range(3)))

    assert {answer.json()["id"] for answer in given} == {chosen["id"]}
    assert [wallet["balance"] for wallet in await customer.listed("wallets")] == [2000]
    other = f"accounts/{(await make_org()).org_id}/grants"
    for elsewhere, body in ((path, chosen | {"amount": 1}), (other, chosen)):
        assert problem(await operator("POST", elsewhere, json=body)) == (409, "grant_differs")


async def test_nobody_else_gives_credit(operator: Caller, customer: Caller) -> None:
    path = f"accounts/{customer.org.org_id}/grants"

    assert problem(await customer("POST", path, json=CREDIT)) == (403, "not_the_operator")
    assert problem(await Caller(operator.org, permissions=READER)("POST", path, json=CREDIT)) == (
        403,
        "missing_permission",
    )
    assert await customer.listed("wallets") == []


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": "2999-01-01T00:00:00"},
        {"amount": 0},
        {"priority": 101},
        {"reason": ""},
        {"reason": "\0"},
    ],
)
async def test_credit_that_makes_no_sense_is_refused(
    operator: Caller, customer: Caller, change: dict[str, Any]
) -> None:
    refused = await operator("POST", f"accounts/{customer.org.org_id}/grants", json=CREDIT | change)
    assert problem(refused) == (422, "malformed_request")


async def test_credit_that_has_expired_is_not_given(operator: Caller, customer: Caller) -> None:
    body = {**CREDIT, "expires_at": "2001-01-01T00:00:00Z"}
    refused = await operator("POST", f"accounts/{customer.org.org_id}/grants", json=body)
    assert problem(refused) == (400, "expiry_in_the_past")


async def test_wallets_are_the_organizations_own(operator: Caller, customer: Caller, bank: Bank) -> None:
    made = await customer.made("wallets", **WALLET)
    org_id = customer.org.org_id
    await bank.given(org_id, 5, promoted(new_id(), 5, USD))
    top_up = await bank.top_ups.request(customer.principal, (await bank.wallet(org_id)).id, 700)
    path = f"wallets/{made['id']}"

    for one in ("", "/grants", "/top-ups"):
        assert problem(await operator("GET", path + one)) == (404, "unknown_wallet"), one
    assert problem(await operator("PUT", path, json={"name": "Mine"})) == (404, "unknown_wallet")
    assert problem(await operator("GET", f"{path}/top-ups/{top_up.id}")) == (404, "unknown_top_up")
    assert problem(await customer("GET", f"{path}/top-ups/{new_id()}")) == (404, "unknown_top_up")
    [shown] = await customer.listed(f"{path}/top-ups")
    assert (await customer("GET", f"{path}/top-ups/{top_up.id}")).json() == shown
    assert (shown["amount"], shown["status"], shown["created_by"]) == (700, "pending", str(customer.org.key_id))


async def test_whoever_may_only_read_changes_nothing(customer: Caller, reader: Caller) -> None:
    made = await customer.made("wallets", **WALLET)

    assert problem(await reader("POST", "wallets", json=WALLET)) == (403, "missing_permission")
    assert problem(await reader("PUT", f"wallets/{made['id']}", json={"name": "x"})) == (403, "missing_permission")
    assert await reader.listed("wallets") == [made]
    nobody = Caller(customer.org, permissions=frozenset())
    for path in ("wallets", f"wallets/{made['id']}", f"wallets/{made['id']}/grants", "ledger"):
        assert problem(await nobody("GET", path)) == (403, "missing_permission"), path
