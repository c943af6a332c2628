"""Invoices over HTTP: lists, lines, documents, what the operator does, and who sees what."""

import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

import httpx2
import pytest
from pypdf import PdfReader

from billing.invoices.models import Invoice
from billing.invoicing.recomputing import recompute
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import READER, Caller
from tests.integration.billing.invoices.office import PER_CALL, Office
from tests.integration.billing.subscribing import offered


@pytest.fixture
async def invoices(operator: Caller, customer: Caller, office: Office) -> list[Invoice]:
    """An invoice of 20 dollars in advance, and one of as much and a dollar for calls."""
    await operator.meter()
    plan = await offered(operator, "team", "20", {**PER_CALL, "name": "=Calls"})
    office.clock.set(2027, 2, 1)
    await customer("PUT", "account", json={"name": "Žluťoučký Κήπος Ltd"})
    await customer.made("subscriptions", plan_id=plan["id"])
    first = await office.surely_invoiced(customer)
    await office.used(customer, 6, datetime(2027, 2, 10, tzinfo=UTC))
    office.clock.set(2027, 3, 2)
    return [first, await office.surely_invoiced(customer)]


async def test_invoices_are_listed_and_shown(
    invoices: list[Invoice], customer: Caller, reader: Caller, office: Office
) -> None:
    listed = await reader.listed("invoices")
    assert [entry["number"] for entry in listed] == [invoices[1].number, invoices[0].number]
    shown = (await reader("GET", f"invoices/{invoices[1].id}")).json()
    assert shown.items() >= listed[0].items()
    assert (shown["total"], shown["amount_remaining"], shown["status"]) == (2100, 2100, "finalized")
    assert [line["amount"] for line in shown["lines"]] == [100, 2000]
    assert shown["customer"]["name"] == "Žluťoučký Κήπος Ltd"
    await office.settling.give_up(customer.org.org_id, invoices[0].id)
    filtered = await reader("GET", "invoices", params={"status": ["uncollectible", "void"]})
    assert [entry["id"] for entry in filtered.json()["data"]] == [str(invoices[0].id)]
    assert problem(await reader("GET", "invoices", params={"status": "open"})) == (422, "malformed_request")


async def test_anybody_recomputes_an_invoice_from_its_breakdown(invoices: list[Invoice], reader: Caller) -> None:
    for invoice in invoices:
        breakdown = (await reader("GET", f"invoices/{invoice.id}/breakdown")).json()
        assert recompute(breakdown).amount_due == invoice.breakdown.amount_due


async def test_the_lines_are_a_table_that_runs_nothing(invoices: list[Invoice], reader: Caller) -> None:
    answer = await reader("GET", f"invoices/{invoices[1].id}/csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{invoices[1].number}.csv"'
    rows = {row["code"]: row for row in csv.DictReader(StringIO(answer.text))}
    assert (rows["calls"]["name"], rows["calls"]["quantity"], rows["calls"]["gross"]) == ("'=Calls", "6", "1.00")
    assert (rows["base"]["period_start"], rows["base"]["net"]) == ("2027-03-01T00:00:00+00:00", "20.00")


async def test_an_invoice_is_printed_once_and_for_good(
    invoices: list[Invoice], customer: Caller, reader: Caller, office: Office
) -> None:
    answer = await reader("GET", f"invoices/{invoices[1].id}/pdf")
    assert answer.status_code == 307, answer.text
    async with httpx2.AsyncClient() as client:
        fetched = await client.get(answer.headers["location"])
    assert fetched.headers["content-type"] == "application/pdf"
    assert f"{invoices[1].number}.pdf" in fetched.headers["content-disposition"]
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(fetched.content)).pages)
    for part in (str(invoices[1].number), "Žluťoučký Κήπος Ltd", "2027-03-02", "20.00", "21.00", "Amount due (USD)"):
        assert part in text, text

    await office.settling.give_up(customer.org.org_id, invoices[1].id)
    again = await reader("GET", f"invoices/{invoices[1].id}/pdf")
    async with httpx2.AsyncClient() as client:
        assert (await client.get(again.headers["location"])).content == fetched.content


async def test_a_draft_has_no_document(invoices: list[Invoice], reader: Caller, office: Office) -> None:
    office.clock.set(2027, 4, 3)
    assert invoices[0].subscription_id is not None
    draft = await office.drafting.draft(invoices[0].org_id, invoices[0].subscription_id)
    assert draft is not None

    assert problem(await reader("GET", f"invoices/{draft.id}/pdf")) == (409, "invoice_is_draft")
    shown = (await reader("GET", f"invoices/{draft.id}")).json()
    assert (shown["status"], shown["number"], shown["due_at"]) == ("draft", None, None)


async def test_the_next_invoice_is_shown_before_there_is_one(
    invoices: list[Invoice], customer: Caller, reader: Caller, office: Office
) -> None:
    assert invoices
    await office.used(customer, 3, datetime(2027, 3, 5, tzinfo=UTC))
    before = await reader.listed("invoices")
    preview = (await reader("POST", "invoices/preview")).json()

    assert [(line["code"], line["kind"], line["quantity"]) for line in preview["lines"]] == [("calls", "usage", "3")]
    assert preview["amount_due"] == 25
    assert await reader.listed("invoices") == before


@pytest.mark.usefixtures("office")
async def test_who_subscribes_to_nothing_gets_no_invoice(customer: Caller) -> None:
    assert problem(await customer("POST", "invoices/preview")) == (404, "nothing_subscribed")
    assert await customer.listed("invoices") == []


async def test_invoices_are_the_organizations_own(invoices: list[Invoice], operator: Caller, customer: Caller) -> None:
    path = f"invoices/{invoices[0].id}"
    for one in ("", "/breakdown", "/csv", "/pdf"):
        assert problem(await operator("GET", path + one)) == (404, "unknown_invoice"), one
        assert problem(await customer("GET", f"invoices/{new_id()}{one}")) == (404, "unknown_invoice"), one
        nobody = Caller(customer.org, permissions=frozenset({"billing:report"}))
        assert problem(await nobody("GET", path + one)) == (403, "missing_permission"), one
    assert await operator.listed("invoices") == []


async def test_the_operator_voids_and_gives_up(invoices: list[Invoice], operator: Caller, customer: Caller) -> None:
    path = f"accounts/{customer.org.org_id}/invoices"
    assert [entry["id"] for entry in await operator.listed(path)] == [str(invoice.id) for invoice in invoices[::-1]]
    void = await operator("POST", f"{path}/{invoices[0].id}/void")
    assert (void.json()["status"], void.json()["amount_remaining"]) == ("void", 0)
    assert problem(await operator("POST", f"{path}/{invoices[0].id}/give-up")) == (409, "invoice_is_final")
    given_up = await operator("POST", f"{path}/{invoices[1].id}/give-up")
    assert given_up.json()["status"] == "uncollectible"


@pytest.mark.parametrize("what", ["void", "give-up"])
async def test_nobody_else_does(invoices: list[Invoice], operator: Caller, customer: Caller, what: str) -> None:
    path = f"accounts/{customer.org.org_id}/invoices"
    assert problem(await customer("POST", f"{path}/{invoices[0].id}/{what}")) == (403, "not_the_operator")
    assert problem(await customer("GET", path)) == (403, "not_the_operator")
    reading = Caller(operator.org, permissions=READER)
    assert problem(await reading("POST", f"{path}/{invoices[0].id}/{what}")) == (403, "missing_permission")
    assert problem(await operator("POST", f"{path}/{new_id()}/{what}")) == (404, "unknown_invoice")
    listed: list[dict[str, Any]] = await customer.listed("invoices")
    assert {entry["status"] for entry in listed} == {"finalized"}
