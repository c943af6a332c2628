"""Taking the providers' newest prices, unless something speaks against them."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import orjson

from integration.price_editions import StoredEdition, canonical, digest, in_force, packaged, packaged_tables, stored
from integration.price_tables.comparing import difference, objections
from integration.price_tables.conversion import convert
from integration.price_tables.models import Outcome, PricesRefreshed, PricesRefused, Status
from integration.price_tables.published import read
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class Source(Protocol):
    """Where prices are published."""

    async def document(self) -> bytes:
        """What is there now. Raises SourceUnavailable."""
        ...


class Editions(Protocol):
    """Where editions are kept for good. Every method raises DatabaseUnavailable."""

    async def lock(self) -> None:
        """Let no other run decide until the transaction under way has ended."""
        ...

    async def newest(self) -> StoredEdition | None:
        """The last one that was kept; None before there is one."""
        ...

    async def add(self, edition: StoredEdition, *, edition_id: UUID, accepted: bool) -> None:
        """Keep an edition."""
        ...


class Copies(Protocol):
    """Where gateways look for the newest edition."""

    async def replace(self, edition: StoredEdition) -> None:
        """Put an edition in place of whatever is there."""
        ...


class PriceRefresh:
    """Refreshes the price tables."""

    def __init__(
        self,
        *,
        source: Source,
        editions: Editions,
        copies: Copies,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._source = source
        self._editions = editions
        self._copies = copies
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def run(self, *, accept: str | None = None) -> Outcome:
        """Take what the source has, if that is other prices than those in force; safe to repeat.

        The edition and its event commit together; then gateways are told, also when nothing is new, in case that Redis
        has lost it. Raises SourceUnavailable, PricesMalformed, PricesRefused; then nothing has changed.

        Args:
            accept: The digest of content that somebody looked at: objections to exactly that do not count.
        """
        document = await self._source.document()
        fetched_at = self._clock.now()
        tables = {provider: canonical(table) for provider, table in convert(read(document)).items()}
        async with self._transaction(None):
            await self._editions.lock()
            newest = await self._editions.newest()
            outcome, newest = await self._decide(stored(fetched_at, tables), newest, accept)
        if newest is not None:
            await self._copies.replace(newest)
        return outcome

    async def _decide(
        self, wanted: StoredEdition, newest: StoredEdition | None, accept: str | None
    ) -> tuple[Outcome, StoredEdition | None]:
        current = newest if newest and in_force(newest.name) else StoredEdition(packaged(), packaged_tables())
        content = digest(wanted.tables)
        if newest is not None and wanted.name.dated < newest.name.dated:  # another run was slower to fetch, and faster
            return Outcome(status=Status.UNCHANGED, version=newest.name.version), newest
        if content == digest(current.tables):
            return Outcome(status=Status.UNCHANGED, version=current.name.version), newest
        before, after = _parsed(current), _parsed(wanted)
        reasons = objections(before, after, today=wanted.name.dated.date())
        if reasons and accept != content:
            raise PricesRefused(content, reasons)
        differing = difference(before, after)
        edition_id = self._new_id()
        await self._editions.add(wanted, edition_id=edition_id, accepted=bool(reasons))
        refreshed = PricesRefreshed(
            version=wanted.name.version,
            dated=wanted.name.dated,
            previous=current.name.version,
            models=sum(len(table["models"]) for table in after.values()),
            **differing.model_dump(),
            added_count=len(differing.added),
            changed_count=len(differing.changed),
            removed_count=len(differing.removed),
            accepted=bool(reasons),
        )
        await self._events.announce(refreshed, org_id=None, aggregate_id=edition_id)
        outcome = Outcome(
            status=Status.REFRESHED,
            version=wanted.name.version,
            added=len(differing.added),
            changed=len(differing.changed),
            removed=len(differing.removed),
        )
        return outcome, wanted


def _parsed(edition: StoredEdition) -> Mapping[str, Mapping[str, Any]]:
    return {provider: orjson.loads(table) for provider, table in edition.tables.items()}
