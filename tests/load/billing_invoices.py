"""How many invoices a run makes: `python -m tests.load.billing_invoices [--customers 10 100 1000] [--profile]`.

Each customer has a plan of a fee, seats and three meters, and made 10,000 calls in the month that is invoiced, 13 to 15
in each quarter of an hour of its 22 working days of eight hours. The calls of one customer are counted, what was
counted is copied for the others. One process drafts and finalizes one invoice after another, of a real PostgreSQL, with
claims, credit, numbers, ledger and events. Charging and documents are not in it. CPU is the process's own.
"""

import argparse
import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final, LiteralString
from uuid import UUID

from billing.api import app
from llmo_core.ids import new_id
from llmo_core.observability import logger
from llmo_data.objects import Objects
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.integration.billing.calling import Caller, Catalogue, Json
from tests.integration.billing.credit.bank import Bank
from tests.integration.billing.invoices.office import BUCKET, Office
from tests.integration.billing.subscribing import SEATS, Subscribing, offered, subscribed
from tests.integration.billing.using import Using, call
from tests.integration.organizations import Org
from tests.integration.stores import Postgres, administrator, migrated_database, postgres_server

_CALLS: Final = 10_000
_BATCH: Final = 1000
_WORKDAYS: Final = 22
_WORKDAY: Final = timedelta(hours=8)
_METERS: Final[Mapping[str, Mapping[str, object]]] = {
    "calls": {"aggregation": "count"},
    "tokens": {"aggregation": "sum", "fields": ["input_tokens", "output_tokens"]},
    "cost": {"aggregation": "sum", "fields": ["cost_usd"]},
}
_COPY: Final[LiteralString] = """
    INSERT INTO billing.usage_counts (org_id, meter_id, slot, total, events, largest)
    SELECT other, meter_id, slot, total, events, largest
    FROM billing.usage_counts, unnest(%(others)s::uuid[]) AS other WHERE org_id = %(first)s
    """


def _usage(code: str, price: Json) -> Json:
    return {"code": code, "name": code, "basis": "usage", "meter": code, "price": price}


_CHARGES: Final = (
    SEATS,
    _usage(
        "calls",
        {
            "kind": "graduated",
            "tiers": [{"up_to": "1000", "unit_price": "0.002"}, {"up_to": None, "unit_price": "0.001"}],
        },
    ),
    _usage("tokens", {"kind": "package", "package_price": "0.50", "size": "10000"}),
    _usage("cost", {"kind": "pass_through", "markup_percent": "15"}),
)


def _nobody(org_id: UUID) -> Org:
    return Org(org_id, "", new_id(), new_id(), new_id(), "", "")


def _office(database: Database, operator_id: UUID) -> Office:
    catalogue = Catalogue(database, operator_id)
    subscribing, using = Subscribing(catalogue), Using(database, operator_id)
    using.clock = subscribing.clock
    bank = Bank(database, operator_id, subscribing.clock)
    office = Office(catalogue, subscribing, using, bank, Objects(BUCKET, "application/pdf"))
    app.dependency_overrides.update({**catalogue.overrides(), **subscribing.overrides(), **office.overrides()})
    return office


def _calls(org_id: UUID) -> Iterator[Envelope]:
    step = _WORKDAYS * _WORKDAY / _CALLS
    for number in range(_CALLS):
        days, rest = divmod(step * number, _WORKDAY)
        at = datetime(2027, 2, 1, 9, tzinfo=UTC) + timedelta(days=days) + rest
        yield call(org_id, started_at=at.isoformat(), input_tokens=number % 3000)


async def _made(postgres: Postgres, office: Office, customers: int) -> None:
    """Subscribe customers of a new operator, invoice what is due in advance, and let them make their calls."""
    operator = Caller(_nobody(office.catalogue.operator_id or new_id()))
    for code, definition in _METERS.items():
        await operator.meter(code=code, name=code, **definition)
    plan = await offered(operator, f"load-{new_id().hex[-8:]}", "20", *_CHARGES)
    office.clock.set(2027, 2, 1)
    first, *others = organizations = [new_id() for _ in range(customers)]
    for org_id in organizations:
        await subscribed(Caller(_nobody(org_id)), plan, seats="3")
    for batch in batched(_calls(first), _BATCH, strict=False):
        assert not await office.using.record(*batch)
    async with administrator(postgres.admin) as admin:
        await admin.execute(_COPY, {"first": first, "others": others})
        await admin.execute("ANALYZE")


async def _run(office: Office, customers: int) -> tuple[float, float]:
    """Invoice everybody; seconds of time and of CPU for each invoice."""
    before, cpu_before = time.perf_counter(), time.process_time()
    done = await office.run.run()
    elapsed, cpu = time.perf_counter() - before, time.process_time() - cpu_before
    assert done == {"invoiced": customers, "nothing": 0, "failed": 0}, done
    return elapsed / customers, cpu / customers


def _show(what: str, customers: int, elapsed: float, cpu: float) -> None:
    print(f"{what:32}{customers:6} customers{1 / elapsed:9.1f} invoices/s{cpu * 1e3:8.1f} ms CPU/invoice", flush=True)


async def _measure(postgres: Postgres, counts: Sequence[int], *, profile: bool) -> None:
    database = Database(postgres.conninfo("llmo_billing"))
    for customers in counts:
        office = _office(database, new_id())
        await _made(postgres, office, customers)
        _show("in advance", customers, *await _run(office, customers))
        office.clock.set(2027, 3, 1, 2)
        with cProfile.Profile() as profiler:
            if not profile:
                profiler.disable()
            spent = await _run(office, customers)
        _show("usage, and the next in advance", customers, *spent)
        if profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    await database.close()


async def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    if max(asked.customers) > _BATCH:
        sys.exit("a load is bounded: 1,000 customers at most")
    logger().setLevel("ERROR")
    async with postgres_server({}) as admin, migrated_database(admin) as postgres:
        await _measure(postgres, asked.customers, profile=asked.profile)


if __name__ == "__main__":
    asyncio.run(main())
