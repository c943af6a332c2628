"""Guardrails stay ready for as long as they are the same, whenever a configuration is read again."""

from typing import Any

from integration.gateway.configuration_rows import NOTHING
from integration.gateway.configurations import RememberedOrganizations
from integration.gateway.guards import guards_of
from llmo_core.ids import new_id, new_id_text
from llmo_data.pipelined_redis import PipelinedRedis

WORDS = {"project_id": None, "name": "words", "stage": "both", "kind": "deny", "action": "block", "message": ""}


class Kept:
    """Configurations with guardrails that look for some words."""

    def __init__(self) -> None:
        self.words = ["blue moon"]

    async def record(self, _org_ref: str) -> dict[str, Any]:
        return {**NOTHING, "guardrails": [{**WORDS, "pattern": None, "pii": [], "words": self.words}]}


class SamePrices:
    """Prices that nobody changes."""

    async def look(self) -> None:
        """There are no others."""


async def test_a_configuration_that_is_read_again_keeps_the_guardrails_that_it_had(redis_url: str) -> None:
    seconds, kept, org_ref, project = [0.0], Kept(), new_id_text(), new_id()
    redis = PipelinedRedis(redis_url)
    organizations = RememberedOrganizations(redis, kept, SamePrices(), timer=lambda: seconds[0])
    try:
        first = await organizations.find(org_ref)
        guards = guards_of(first, project)
        seconds[0] += 200
        again = await organizations.find(org_ref)
        assert again is not first
        assert guards_of(again, project) is guards
        kept.words = ["red moon"]
        await redis.call("SET", f"{{{org_ref}}}:config_version", "2")
        assert await organizations.changed(org_ref)
        other = guards_of(await organizations.find(org_ref), project)
        assert other is not None
        assert guards is not None
        assert other.version != guards.version
    finally:
        await redis.aclose()
