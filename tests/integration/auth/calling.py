"""Calls to the HTTP API of API keys, on the real stores."""

from uuid import UUID

from redis.asyncio import Redis

from auth.api import app
from auth.api_keys.admission import RedisAdmission
from auth.api_keys.owned_keys import OwnedKeys
from auth.api_keys.repository import PostgresKeys
from auth.api_keys.service import ApiKeyService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.api_caller import ApiCaller, key_of
from tests.integration.auth.announcements import outbox
from tests.integration.organizations import PEPPER, Org

MAY_MANAGE_KEYS = frozenset({"keys:read", "keys:write", "llm:call"})


class Caller(ApiCaller):
    """Calls the API as an organization's key."""

    def __init__(
        self, org: Org, *, permissions: frozenset[str] = MAY_MANAGE_KEYS, actor_id: UUID | None = None
    ) -> None:
        super().__init__(app, key_of(org, permissions))
        if actor_id is not None:
            self.principal = self.principal.model_copy(update={"actor_id": actor_id})


def service(database: Database, client: Redis) -> ApiKeyService:
    """The use cases."""
    return ApiKeyService(
        keys=PostgresKeys(database),
        events=outbox(database),
        transaction=database.transaction,
        admission=RedisAdmission(client),
        after_commit=database.after_commit,
        pepper=PEPPER.encode(),
        clock=SystemClock(),
        new_id=new_id,
    )


def owned_keys(database: Database, client: Redis) -> OwnedKeys:
    """Keeps members' own keys within what the members may do."""
    return OwnedKeys(
        keys=PostgresKeys(database),
        events=outbox(database),
        admission=RedisAdmission(client),
        after_commit=database.after_commit,
        clock=SystemClock(),
    )
