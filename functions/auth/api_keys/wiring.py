"""The use cases of API keys with their adapters."""

from auth import wiring as shared
from auth.api_keys.admission import RedisAdmission
from auth.api_keys.owned_keys import OwnedKeys
from auth.api_keys.repository import PostgresKeys
from auth.api_keys.service import ApiKeyService
from auth.wiring import once
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def _api_key_service() -> ApiKeyService:
    return ApiKeyService(
        keys=PostgresKeys(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        admission=RedisAdmission(shared.redis()),
        after_commit=shared.database().after_commit,
        pepper=shared.pepper(),
        clock=SystemClock(),
        new_id=new_id,
    )


async def api_key_service() -> ApiKeyService:
    """The use cases of API keys."""
    return _api_key_service()


@once
def owned_keys() -> OwnedKeys:
    """Keeps members' own keys within what the members may do."""
    return OwnedKeys(
        keys=PostgresKeys(shared.database()),
        events=shared.events(),
        admission=RedisAdmission(shared.redis()),
        after_commit=shared.database().after_commit,
        clock=SystemClock(),
    )
