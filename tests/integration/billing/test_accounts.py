"""Accounts: who is billed, said by the organization; how it is taxed, decided by the operator."""

from typing import Any

import pytest

from billing.accounts.schemas import EXAMPLE, TAXED
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller, Catalogue, Json
from tests.integration.billing.subscribing import Subscribing, offered, subscribed

pytestmark = pytest.mark.usefixtures("subscribing")
UNTAXED = {"behavior": "exclusive", "rates": []}


def taxation_of(caller: Caller) -> str:
    return f"accounts/{caller.org.org_id}/taxation"


async def put(caller: Caller, path: str, body: Json, **headers: str) -> Json:
    answer = await caller("PUT", path, json=body, headers={"if-match": headers["tag"]} if headers else {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["revision"]}"'
    shown: Json = answer.json()
    return shown


async def test_an_account_is_there_before_anybody_says_anything(customer: Caller, reader: Caller) -> None:
    answer = await reader("GET", "account")
    account = answer.json()

    assert (answer.status_code, answer.headers["etag"], account["org_id"]) == (200, '"1"', str(customer.org.org_id))
    assert (account["name"], account["email"], account["address"], account["tax_ids"]) == (None, None, None, [])
    assert (account["time_zone"], account["locale"], account["taxation"]) == ("UTC", "en", UNTAXED)
    assert (await reader("GET", "account")).json() == account


async def test_what_an_organization_says_is_kept_and_announced(
    customer: Caller, reader: Caller, catalogue: Catalogue
) -> None:
    account = await put(customer, "account", EXAMPLE)
    assert account["address"] == {**EXAMPLE["address"], "line2": None, "state": None}
    assert {name: account[name] for name in EXAMPLE if name != "address"} == {
        name: value for name, value in EXAMPLE.items() if name != "address"
    }
    assert (await reader("GET", "account")).json() == account
    assert await put(customer, "account", EXAMPLE) == account
    [event] = await catalogue.announced(customer.org.org_id)
    assert event.type == "llmo.billing.account.updated"
    assert event.data == {
        "revision": 2,
        "time_zone": "Europe/Berlin",
        "taxation_changed": False,
        "by": str(customer.org.key_id),
    }
    assert (await put(customer, "account", {}))["name"] is None


async def test_of_two_who_read_the_same_account_one_changes_it(customer: Caller) -> None:
    await put(customer, "account", EXAMPLE, tag='"1"')
    refused = await customer("PUT", "account", json={}, headers={"if-match": '"1"'})
    assert problem(refused) == (412, "changed_meanwhile")
    assert (await customer("GET", "account")).json()["name"] == "Acme GmbH"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "a\0"}, "/body/name"),
        ({"email": "nobody"}, "/body/email"),
        ({"email": "a@b@example.com"}, "/body/email"),
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"locale": "German"}, "/body/locale"),
        ({"address": {"line1": "1", "city": "B", "country": "XX"}}, "/body/address/country"),
        ({"address": {"line1": "1", "city": "B", "country": "de"}}, "/body/address/country"),
        ({"address": {"line1": "\x07", "city": "B", "country": "DE"}}, "/body/address/line1"),
        ({"tax_ids": [{"type": "eu_vat", "value": "DE12345678"}]}, "/body/tax_ids/0/value"),
        ({"tax_ids": [{"type": "eu_vat", "value": "DE12345678\u0669"}]}, "/body/tax_ids/0/value"),
        ({"tax_ids": [{"type": "vat", "value": "DE123456789"}]}, "/body/tax_ids/0/type"),
        ({"tax_ids": [{"type": "us_ein", "value": "12-3456789"}] * 2}, "/body"),
        ({"tax_ids": [{"type": "us_ein", "value": f"12-345678{n}"} for n in range(6)]}, "/body/tax_ids"),
        ({"taxation": TAXED}, "/body/taxation"),
        ({"org_id": "01980a5e-7c00-7000-8000-000000000001"}, "/body/org_id"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(
    customer: Caller, changes: dict[str, Any], pointer: str
) -> None:
    answer = await customer("PUT", "account", json={**EXAMPLE, **changes})
    assert problem(answer) == (422, "malformed_request")
    assert [mistake["pointer"] for mistake in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("eu_vat", "de 123.456.789", "DE123456789"),
        ("eu_vat", "ATU12345678", "ATU12345678"),
        ("ch_vat", "CHE-123.456.789 MWST", "CHE123456789MWST"),
        ("gb_vat", "GB 123 4567 89", "GB123456789"),
        ("us_ein", "12-3456789", "123456789"),
        ("br_cnpj", "12.345.678/0001-95", "12345678000195"),
    ],
)
async def test_tax_ids_are_kept_without_what_people_write_between_their_digits(
    customer: Caller, kind: str, given: str, kept: str
) -> None:
    account = await put(customer, "account", {"tax_ids": [{"type": kind, "value": given}]})
    assert account["tax_ids"] == [{"type": kind, "value": kept}]


async def test_the_operator_decides_how_an_organization_is_taxed(
    operator: Caller, customer: Caller, catalogue: Catalogue
) -> None:
    account = await put(customer, "account", EXAMPLE)
    shown = await put(operator, taxation_of(customer), TAXED)
    assert shown == {**TAXED, "org_id": str(customer.org.org_id), "revision": account["revision"] + 1}
    assert (await operator("GET", taxation_of(customer))).json() == shown
    assert (await customer("GET", taxation_of(customer))).json() == shown

    after = (await customer("GET", "account")).json()
    assert (after["taxation"], after["name"]) == (TAXED, "Acme GmbH")
    assert (await put(customer, "account", {}))["taxation"] == TAXED
    events = await catalogue.announced(customer.org.org_id)
    assert [event.data["taxation_changed"] for event in events] == [False, True, False]
    assert await catalogue.announced(operator.org.org_id) == []


async def test_nobody_else_sees_or_decides_how_an_organization_is_taxed(
    operator: Caller, customer: Caller, reader: Caller
) -> None:
    for caller, path in ((customer, taxation_of(customer)), (customer, taxation_of(operator))):
        assert problem(await caller("PUT", path, json=TAXED)) == (403, "not_the_operator")
    assert problem(await customer("GET", taxation_of(operator))) == (403, "not_the_operator")
    assert (await reader("GET", taxation_of(customer))).status_code == 200
    assert problem(await reader("PUT", "account", json={})) == (403, "missing_permission")
    nobody = Caller(customer.org, permissions=frozenset({"usage:read"}))
    for path in ("account", taxation_of(customer)):
        assert problem(await nobody("GET", path)) == (403, "missing_permission")
    stale = await operator("PUT", taxation_of(customer), json=TAXED, headers={"if-match": '"7"'})
    assert problem(stale) == (412, "changed_meanwhile")


async def test_days_are_those_of_the_account_when_a_subscription_starts(
    operator: Caller, customer: Caller, subscribing: Subscribing
) -> None:
    plan = await offered(operator, "team", "20")
    await put(customer, "account", {"time_zone": "Pacific/Kiritimati"})
    subscribing.clock.set(2027, 1, 31, 11)
    made = await subscribed(customer, plan)
    assert (made["starts_on"], made["current_period"]["start"]) == ("2027-02-01", "2027-01-31T10:00:00Z")
    await put(customer, "account", {"time_zone": "UTC"})
    assert (await customer("GET", f"subscriptions/{made['id']}")).json() == made
