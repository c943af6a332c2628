"""Disputing a false hit: the caller who got the answer to another question sees to it that nobody gets it again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from integration.gateway.calls import read_address, read_key
from integration.gateway.errors import EntryNotFound
from integration.gateway.ports import Admissions, SimilarAnswers


class Disputes:
    """Forgets entries of the cache that compares meanings."""

    def __init__(self, *, admissions: Admissions, answers: SimilarAnswers) -> None:
        self._admissions = admissions
        self._answers = answers

    async def forget(self, headers: Mapping[str, str], entry: str) -> dict[str, Any]:
        """Forget an entry of the project of the caller's API key, and tell so as OpenAI does.

        For thirty days its message is not matched with any of those that it was matched with, whichever is asked first.
        Its answer stays the one to its own message. Raises InvalidApiKey, AddressNotAllowed, EntryNotFound and
        StoreUnavailable.
        """
        key, address = read_key(headers), read_address(headers)
        await self._admissions.authenticate(key, address)
        owner = await self._admissions.owner(key, address)
        try:
            which = UUID(entry)
        except ValueError as error:
            raise EntryNotFound from error
        if not await self._answers.dispute(key.org_ref, owner.project_id, which):
            raise EntryNotFound
        return {"id": str(which), "object": "cache.entry", "deleted": True}
