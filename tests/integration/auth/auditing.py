"""The audit log behind the outbox, as the use cases have it when they are wired for real."""

from auth.audit.recording import AuditedEvents
from auth.audit.repository import PostgresAuditLog
from llmo_core.clock import Clock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import outbox


def audited(database: Database, clock: Clock) -> AuditedEvents:
    """Where it is announced, and recorded, what happened."""
    return AuditedEvents(events=outbox(database), log=PostgresAuditLog(database), clock=clock, new_id=new_id)
