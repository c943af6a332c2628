"""Putting files and batches together for the gateway's process. Imported with the first request for one."""

from integration.gateway.deferral.batches import Batches
from integration.gateway.deferral.batches_repository import PostgresBatches
from integration.gateway.deferral.files import Files
from integration.gateway.deferral.files_repository import PostgresFiles
from integration.gateway.deferral.objects import S3Contents
from integration.gateway.deferral.surface import Surface
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
        self.contents = S3Contents(wired.settings.files_bucket)
        self.files = Files(kept=PostgresFiles(self.database), contents=self.contents, clock=clock, new_id=new_id)
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
        self.surface = Surface(keys=wired.admissions, calls=wired.gateway, files=self.files, batches=self.batches)
