"""A process that charges, and is killed when Stripe has done it and nothing of that is committed.

Its arguments are the connection's parameters, Stripe's URL, an organization and an invoice.
"""

import asyncio
import json
import os
import signal
import sys
from uuid import UUID

from billing.payments.models import Purpose, PurposeKind
from billing.payments.provider import ChargeRequest, Intent
from billing.payments.stripe_provider import StripeProvider
from llmo_data.postgres import Database
from local.vendors.stripe_api import StripeApi
from tests.fakes.stripe import API_KEY, FakeStripe
from tests.integration.billing.payments.paying import Paying


class KilledAfterwards(StripeProvider):
    """Stripe, after whose answer the machine goes."""

    async def charge(self, request: ChargeRequest) -> Intent:
        await super().charge(request)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("this process is dead")


async def main(conninfo: str, stripe_url: str, org_id: str, invoice_id: str) -> None:
    paying = Paying(Database(json.loads(conninfo)), FakeStripe(stripe_url, StripeApi()))
    paying.provider = KilledAfterwards(API_KEY, base_url=stripe_url)
    await paying.charge(UUID(org_id), Purpose(kind=PurposeKind.INVOICE, id=UUID(invoice_id)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
