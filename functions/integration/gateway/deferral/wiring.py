"""Putting files and batches together, for the gateway's process and for the worker's.

The gateway imports it with the first request for one of them.
"""

import time

from integration.gateway.deferral.batches import Batches
from integration.gateway.deferral.batches_repository import PostgresBatches
from integration.gateway.deferral.calling import Calling
from integration.gateway.deferral.charges import Charges
from integration.gateway.deferral.files import Files
from integration.gateway.deferral.files_repository import PostgresFiles
from integration.gateway.deferral.finishing import Finishing
from integration.gateway.deferral.holding import Holding
from integration.gateway.deferral.lines_repository import PostgresLines
from integration.gateway.deferral.objects import S3Contents
from integration.gateway.deferral.provider_api import ProviderApi
from integration.gateway.deferral.provider_batches_repository import PostgresProviderBatches
from integration.gateway.deferral.providing import Providing
from integration.gateway.deferral.returning import Returning
from integration.gateway.deferral.rounds import Rounds
from integration.gateway.deferral.stored_keys import PostgresStoredKeys
from integration.gateway.deferral.surface import DeferredCalls, Surface
from integration.gateway.deferral.worker import Worker
from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.once import OnceGateway
from integration.gateway.wiring import Wired
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database

SCHEMA = "integration"


class DeferralWired:
    """What files and batches are made of."""

    def __init__(self, wired: Wired) -> None:
        clock = wired.clock
        self.database: Database = wired.rows.connected()
        contents = S3Contents(wired.settings.files_bucket)
        self.files = Files(kept=PostgresFiles(self.database), contents=contents, clock=clock, new_id=new_id)
        self.kept = PostgresBatches(self.database)
        self.events = Outbox(database=self.database, schema=SCHEMA, bus=lambda: wired.bus, clock=clock, new_id=new_id)
        self.batches = Batches(
            kept=self.kept,
            files=self.files,
            events=self.events,
            transactions=self.database,
            clock=clock,
            new_id=new_id,
        )
        self.surface = Surface(keys=wired.admissions, terms=wired.gateway, files=self.files, batches=self.batches)
        calls = DeferredCalls(keys=wired.admissions, calls=wired.gateway, batches=self.batches)
        self.calls = OnceGateway(calls, wired.requests, manner="deferred")
        self.contents = contents


class WorkerWired:
    """The worker with its adapters: the whole gateway, whose calls it makes."""

    def __init__(self, wired: Wired) -> None:
        deferral = DeferralWired(wired)
        self._wired = wired
        lines = PostgresLines(deferral.database)
        charges = Charges()
        wired.settler.observers.append(charges.note)
        finishing = Finishing(
            kept=deferral.kept,
            lines=lines,
            files=deferral.files,
            contents=deferral.contents,
            events=deferral.events,
            transactions=deferral.database,
            clock=wired.clock,
            new_id=new_id,
        )
        holding = Holding(
            admissions=wired.admissions,
            holds=wired.settlements,
            settler=wired.settler,
            organizations=wired.organizations,
            planner=wired.planner,
            forms=ENDPOINTS,
            clock=wired.clock,
            timer=time.perf_counter,
        )
        returning = Returning(
            settler=wired.settler,
            organizations=wired.organizations,
            forms=ENDPOINTS,
            clock=wired.clock,
            timer=time.perf_counter,
        )
        providing = Providing(
            api=ProviderApi(wired.upstream),
            provider_batches=PostgresProviderBatches(deferral.database),
            lines=lines,
            holding=holding,
            returning=returning,
            organizations=wired.organizations,
            clock=wired.clock,
            new_id=new_id,
            timer=time.monotonic,
        )
        rounds = Rounds(
            batches=deferral.kept,
            lines=lines,
            transactions=deferral.database,
            calling=Calling(answers=wired.once, holding=holding, forms=ENDPOINTS, charges=charges, clock=wired.clock),
            providing=providing,
            clock=wired.clock,
            timer=time.monotonic,
        )
        self.worker = Worker(
            batches=deferral.kept,
            lines=lines,
            contents=deferral.contents,
            transactions=deferral.database,
            keys=PostgresStoredKeys(deferral.database),
            rounds=rounds,
            holding=holding,
            providing=providing,
            finishing=finishing,
            clock=wired.clock,
            new_id=new_id,
            timer=time.monotonic,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._wired.close()
