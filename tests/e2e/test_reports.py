"""Reports that arrive as mails with a chart, and exports that add up to what is billed."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from uuid import uuid4

from PIL import Image
from pypdf import PdfReader

from tests.e2e.outbox import mail
from tests.e2e.platform import Json, Platform
from tests.e2e.test_billing import account_of, make
from tests.e2e.test_money import Customer
from tests.e2e.waiting import eventually

ANALYTICS = "/api/v1/analytics"
WAKE = "/_local/schedules/llmo-local-analytics-files/fire"


async def fetched(platform: Platform, url: str) -> bytes:
    """What somebody gets who has nothing but a link."""
    async with platform.http.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


class Analyst:
    """Somebody of a customer's who looks at usage."""

    def __init__(self, customer: Customer) -> None:
        self._customer = customer

    async def call(self, method: str, path: str, json: object = None, *, status: int = 200) -> Json:
        platform, key = self._customer.platform, self._customer.api_key
        answer = await platform.call(method, f"{ANALYTICS}/{path}", api_key=key, json=json)
        assert answer.status == status, answer
        return answer.json()

    async def usage(self, calls: int) -> Json:
        """The totals of the last day, once they have so many calls."""

        async def shown() -> Json | None:
            totals: Json = (await self.call("GET", f"usage?{today()}"))["totals"]
            return totals if totals["requests"] == calls else None

        return await eventually(shown)


def today() -> str:
    now = datetime.now(UTC)
    return f"from={(now - timedelta(days=1)).date()}&to={(now + timedelta(days=1)).date()}"


async def customer_with_calls(platform: Platform, calls: int) -> Customer:
    """A customer that subscribes to a plan of what calls cost, and made some."""
    customer = Customer(platform, *await account_of(platform))
    code = f"e2e-{uuid4().hex[:12]}"
    await make(platform, "meters", {"code": code, "name": "Cost", "aggregation": "sum", "fields": ["cost_usd"]})
    cost = {"code": "llm", "name": "LLM cost", "basis": "usage", "meter": code, "price": {"kind": "pass_through"}}
    version = {"currency": "USD", "cadence": {"interval": "month"}, "charges": [cost]}
    plan = await make(platform, "plans", {"code": code, "name": "Team", "offered": True, "version": version})
    await customer.post("subscriptions", plan_id=plan["id"])
    for _ in range(calls):
        await customer.ask()
    return customer


async def test_a_csv_export_adds_up_to_the_usage_report_and_to_the_invoice_preview(platform: Platform) -> None:
    customer = await customer_with_calls(platform, 5)
    analyst = Analyst(customer)
    totals = await analyst.usage(5)
    now = datetime.now(UTC)
    order = {"from": str((now - timedelta(days=1)).date()), "to": str((now + timedelta(days=1)).date())}

    async def done(path: str) -> Json | None:
        shown = await analyst.call("GET", path)
        return shown if shown["state"] == "done" else None

    asked = await analyst.call("POST", "exports", {"what": "usage", "format": "csv", **order}, status=202)
    export = await eventually(lambda: done(f"exports/{asked['id']}"))

    async def previewed() -> Decimal | None:
        [line] = (await customer.post("invoices/preview"))["lines"]
        quantity = Decimal(line["quantity"])
        return quantity if quantity == Decimal(totals["cost_usd"]) else None

    [file] = export["files"]
    rows = list(csv.DictReader(StringIO((await fetched(platform, file["url"])).decode(), newline="")))
    costs = [Decimal(row["cost_usd"]) for row in rows]
    assert (export["rows"], len(rows)) == (5, 5)
    assert sum(costs) == Decimal(totals["cost_usd"]) > 0
    assert sum(costs) == await eventually(previewed)
    assert sum(int(row["input_tokens"]) for row in rows) == totals["input_tokens"]


async def test_a_scheduled_report_arrives_as_a_mail_with_a_link_to_its_chart(platform: Platform) -> None:
    customer = await customer_with_calls(platform, 3)
    analyst = Analyst(customer)
    await analyst.usage(3)
    reader, name = f"{uuid4().hex}@example.org", f"Spend {uuid4().hex[:8]}"
    soon = datetime.now(UTC) + timedelta(seconds=20)
    at = soon if soon.second == 0 else soon.replace(second=0) + timedelta(minutes=1)
    report = await analyst.call(
        "POST",
        "reports",
        {
            "name": name,
            "question": {
                "metrics": ["requests", "cost_usd"],
                "dimensions": ["model"],
                "interval": "hour",
                "range": "last_24_hours",
            },
            "chart": "stacked_bar",
            "formats": ["pdf", "png"],
            "visibility": "organization",
            "recipients": {"addresses": [reader]},
            "schedule": {"every": "day", "at": f"{at:%H:%M}"},
        },
        status=201,
    )

    async def ready() -> Json | None:
        await platform.call("POST", WAKE)
        found = (await analyst.call("GET", f"reports/{report['id']}/runs"))["data"]
        return found[0] if found and found[0]["state"] == "done" else None

    run = await eventually(ready, within=150)
    received = await mail(platform, reader, name)

    [url] = [link for link in received["links"] if f"{run['id']}" in link]
    pages = [page.extract_text() for page in PdfReader(BytesIO(await fetched(platform, url))).pages]
    shown = await analyst.call("GET", f"reports/{report['id']}/runs/{run['id']}")
    [png] = [file for file in shown["files"] if file["format"] == "png"]
    image = Image.open(BytesIO(await fetched(platform, png["url"]))).convert("RGB")
    assert (run["scheduled"], run["at"][:16]) == (True, f"{at:%Y-%m-%dT%H:%M}")
    assert name in pages[0]
    assert "gpt-4o-mini" in "\n".join(pages)
    assert "Requests" in pages[0]
    assert (31, 119, 180) in {color for _, color in image.getcolors(maxcolors=1 << 20) or []}
    assert datetime.fromisoformat(png["url_expires_at"]) <= datetime.now(UTC) + timedelta(hours=1)


async def test_a_report_of_another_organization_does_not_exist(platform: Platform) -> None:
    mine, theirs = [Analyst(Customer(platform, *await account_of(platform))) for _ in range(2)]
    body = {"name": "Ours", "question": {"metrics": ["requests"]}, "visibility": "organization"}
    report = await mine.call("POST", "reports", body, status=201)

    for method, path in (("GET", ""), ("POST", "/run"), ("GET", "/runs"), ("DELETE", "")):
        await theirs.call(method, f"reports/{report['id']}{path}", {} if method == "POST" else None, status=404)
    assert (await theirs.call("GET", "reports"))["data"] == []
