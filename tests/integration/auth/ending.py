"""Closing organizations and deleting accounts on the real stores."""

from redis.asyncio import Redis

from auth.accounts.closing import ClosingService
from auth.accounts.closing_repository import PostgresClosings
from auth.oauth.repository import PostgresApplications
from auth.organizations.member_repository import PostgresMembers
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from llmo_core.clock import Clock
from llmo_data.postgres import Database
from tests.integration.auth.announcements import outbox
from tests.integration.auth.calling import owned_keys


def closing_service(database: Database, redis: Redis, clock: Clock) -> ClosingService:
    """The use cases of ending what there is no way back to."""
    return ClosingService(
        closings=PostgresClosings(database),
        applications=PostgresApplications(database),
        members=PostgresMembers(database),
        keys=owned_keys(database, redis),
        people=PostgresPeople(database),
        sessions=PostgresSessions(database),
        events=outbox(database),
        transaction=database.transaction,
        clock=clock,
    )
