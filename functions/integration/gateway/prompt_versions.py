"""What prompts say, with copies in Redis and in this process: a version never changes, so that a copy is as good."""

from collections import OrderedDict
from typing import Any, Final, Protocol

import orjson

from integration.gateway.models import PromptVersion
from integration.gateway.store import fail_closed
from llmo_data.pipelined_redis import PipelinedRedis

_KEPT_MS: Final = 86_400_000
_MOST_REMEMBERED: Final = 200  # of 80 KB at most


class PromptRows(Protocol):
    """Where versions are kept for good."""

    async def prompt_version(self, org_ref: str, prompt_id: str, number: int) -> dict[str, Any] | None:
        """The `messages` and `defaults` of a version. Raises DatabaseUnavailable."""
        ...


class RememberedPromptVersions:
    """Versions of prompts."""

    def __init__(self, redis: PipelinedRedis, rows: PromptRows) -> None:
        self._redis = redis
        self._rows = rows
        self._known: OrderedDict[str, PromptVersion] = OrderedDict()

    async def find(self, org_ref: str, prompt_id: str, number: int) -> PromptVersion | None:
        """A version of an organization's prompt. Raises StoreUnavailable, DatabaseUnavailable."""
        name = f"{{{org_ref}}}:prompt:{prompt_id}:{number}"
        known = self._known.get(name)
        if known is None:
            found = await self._found(name, org_ref, prompt_id, number)
            if found is None:
                return None
            known = self._known[name] = PromptVersion(found["messages"], found["defaults"])
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return known

    async def _found(self, name: str, org_ref: str, prompt_id: str, number: int) -> dict[str, Any] | None:
        with fail_closed():
            copy: bytes | None = await self._redis.call("GET", name)
        if copy is not None:
            kept: dict[str, Any] = orjson.loads(copy)
            return kept
        found = await self._rows.prompt_version(org_ref, prompt_id, number)
        if found is not None:
            with fail_closed():
                await self._redis.call("SET", name, orjson.dumps(found), "PX", _KEPT_MS)
        return found
