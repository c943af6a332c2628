"""Credit notes over HTTP: what the operator issues, what organizations see, and who may do what."""

from io import BytesIO
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pypdf import PdfReader

from billing.invoices.models import Invoice
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import READER, Caller
from tests.integration.billing.invoices.cashier import Cashier
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered

PART = {"lines": [{"line": 0, "amount": 900, "description": "Tři dny výpadku"}], "reason": "unsatisfactory"}


@pytest_asyncio.fixture
async def invoice(operator: Caller, customer: Caller, office: Office, cashier: Cashier) -> Invoice:
    """An invoice of 20 dollars, paid by card."""
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer("PUT", "account", json={"name": "Žluťoučký Κήπος Ltd"})
    await customer.made("subscriptions", plan_id=plan["id"])
    made = await office.surely_invoiced(customer)
    await cashier.collected(made)
    return made


def path_of(invoice: Invoice) -> str:
    return f"accounts/{invoice.org_id}/invoices/{invoice.id}/credit-notes"


async def test_the_operator_issues_what_was_previewed(invoice: Invoice, operator: Caller, reader: Caller) -> None:
    preview = await operator("POST", f"{path_of(invoice)}/preview", json=PART)
    assert preview.status_code == 200, preview.text
    assert await reader.listed("credit-notes") == []
    note = await operator.made(path_of(invoice), **PART)

    assert note.items() >= preview.json().items()
    assert (note["total"], note["amount_granted"], note["currency"]) == (900, 900, "USD")
    assert note["number"].startswith("CN-")
    assert note["lines"][0]["description"] == "Tři dny výpadku"
    assert note["customer"]["name"] == "Žluťoučký Κήπος Ltd"
    assert (await reader("GET", f"credit-notes/{note['id']}")).json() == note
    shown = (await reader("GET", f"invoices/{invoice.id}")).json()
    assert (shown["amount_credited"], shown["amount_remaining"], shown["status"]) == (900, 0, "paid")


async def test_money_goes_back_where_that_is_asked_for(invoice: Invoice, operator: Caller, customer: Caller) -> None:
    note = await operator.made(path_of(invoice), outcome="refund", memo="Sorry")
    [payment] = await customer.listed("payments")
    [refund] = (await customer("GET", f"payments/{payment['id']}")).json()["refunds"]

    assert (note["refund_id"], note["amount_refunded"]) == (refund["id"], 2000)
    assert (refund["amount"], refund["status"], refund["reason"]) == (2000, "succeeded", "requested_by_customer")


async def test_notes_are_listed_with_the_newest_first(
    invoice: Invoice, operator: Caller, reader: Caller, cashier: Cashier
) -> None:
    made = [await operator.made(path_of(invoice), lines=[{"line": 0, "amount": 100 + part}]) for part in range(3)]
    assert [note["id"] for note in await reader.listed("credit-notes")] == [note["id"] for note in made[::-1]]
    of_it = await reader("GET", "credit-notes", params={"invoice_id": str(invoice.id), "limit": 1})
    assert of_it.json()["data"] == [made[-1]]
    assert (await reader("GET", "credit-notes", params={"invoice_id": str(new_id())})).json()["data"] == []
    assert [note.sequence for note in await cashier.notes.of_invoice(invoice.org_id, invoice.id)] == [1, 2, 3]


async def test_a_note_that_is_asked_for_again_is_the_same(invoice: Invoice, operator: Caller, reader: Caller) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [await operator("POST", path_of(invoice), json=PART, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert answers[0].json() == answers[2].json()
    assert len(await reader.listed("credit-notes")) == 1
    other = await operator("POST", path_of(invoice), json={}, headers=headers)
    assert problem(other) == (422, "request_key_reused")


async def test_a_note_is_printed_once_and_for_good(invoice: Invoice, operator: Caller, reader: Caller) -> None:
    note = await operator.made(path_of(invoice), **PART, memo="Za výpadek se omlouváme")
    contents = []
    for _ in range(2):
        answer = await reader("GET", f"credit-notes/{note['id']}/pdf")
        assert answer.status_code == 307, answer.text
        async with httpx2.AsyncClient() as client:
            fetched = await client.get(answer.headers["location"])
        assert f"{note['number']}.pdf" in fetched.headers["content-disposition"]
        contents.append(fetched.content)
    assert contents[0] == contents[1]
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(contents[0])).pages)
    for part in (
        "Credit note",
        note["number"],
        str(invoice.number),
        "Žluťoučký Κήπος Ltd",
        "Tři dny výpadku",
        "9.00",
        "Becomes credit",
        "Total credited (USD)",
        "Za výpadek se omlouváme",
    ):
        assert part in text, text


@pytest.mark.parametrize(
    "body",
    [
        *({"lines": [{"line": 0, "amount": amount}]} for amount in (0, -1, 1.5, "900", True, 10**16)),
        *({"lines": [{"line": line}]} for line in (-1, "0", None)),
        {"lines": []},
        {"lines": [{"line": 0, "currency": "EUR"}]},
        {"currency": "EUR"},
        {"outcome": "cash"},
        {"reason": "whim"},
        {"memo": "x\x00"},
        {"memo": "x" * 501},
        [],
        "x",
    ],
)
async def test_nonsense_is_refused(invoice: Invoice, operator: Caller, reader: Caller, body: Any) -> None:
    assert problem(await operator("POST", path_of(invoice), json=body))[0] == 422
    assert await reader.listed("credit-notes") == []


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ([{"line": 0, "amount": 2001}], (409, "credit_too_large")),
        ([{"line": 1}], (400, "unknown_line")),
        ([{"line": 10**12}], (400, "unknown_line")),
    ],
)
async def test_what_was_not_invoiced_is_not_credited(
    invoice: Invoice, operator: Caller, lines: Any, refused: tuple[int, str]
) -> None:
    for path in (path_of(invoice), f"{path_of(invoice)}/preview"):
        assert problem(await operator("POST", path, json={"lines": lines})) == refused


async def test_a_line_is_named_once(invoice: Invoice, operator: Caller) -> None:
    lines = [{"line": 0, "amount": 1}, {"line": 0, "amount": 2}]
    assert problem(await operator("POST", path_of(invoice), json={"lines": lines}))[0] == 422


async def test_nobody_else_issues_them(invoice: Invoice, operator: Caller, customer: Caller, reader: Caller) -> None:
    reading = Caller(operator.org, permissions=READER)
    for path in (path_of(invoice), f"{path_of(invoice)}/preview"):
        assert problem(await customer("POST", path, json={})) == (403, "not_the_operator")
        assert problem(await reading("POST", path, json={})) == (403, "missing_permission")
    of_another = f"accounts/{operator.org.org_id}/invoices/{invoice.id}/credit-notes"
    for path in (of_another, f"accounts/{invoice.org_id}/invoices/{new_id()}/credit-notes"):
        assert problem(await operator("POST", path, json={})) == (404, "unknown_invoice")
    assert await reader.listed("credit-notes") == []


async def test_notes_are_the_organizations_own(invoice: Invoice, operator: Caller, customer: Caller) -> None:
    note = await operator.made(path_of(invoice))
    nobody = Caller(customer.org, permissions=frozenset({"billing:report"}))
    for one in ("", "/pdf"):
        path = f"credit-notes/{note['id']}{one}"
        assert problem(await operator("GET", path)) == (404, "unknown_credit_note"), one
        assert problem(await customer("GET", f"credit-notes/{new_id()}{one}")) == (404, "unknown_credit_note"), one
        assert problem(await nobody("GET", path)) == (403, "missing_permission"), one
    assert await operator.listed("credit-notes") == []
    assert problem(await nobody("GET", "credit-notes")) == (403, "missing_permission")
