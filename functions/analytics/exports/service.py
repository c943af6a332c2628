"""Asking for exports, and looking at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from analytics.creations import Creation, Made
from analytics.exports.columns import SOURCES
from analytics.exports.models import (
    LINKS_LAST,
    Export,
    NoSuchCriterion,
    Order,
    Part,
    State,
)
from analytics.exports.ports import Announcements, ExportPage, Exports, Links, Place
from analytics.models import EmptyRange, RangeTooLong
from analytics.storage import kept
from analytics.usage.service import LONGEST_RANGE
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_messaging.bus import PublishFailed


@dataclass(frozen=True, slots=True)
class Download:
    """A file's address, and until when it works."""

    part: Part
    filename: str
    url: str
    expires_at: datetime


class ExportService:
    """What an organization does with its exports."""

    def __init__(self, *, exports: Exports, links: Links, announcements: Announcements, clock: Clock) -> None:
        self._exports = exports
        self._links = links
        self._announcements = announcements
        self._clock = clock

    async def request(self, principal: Principal, order: Order, creation: Creation) -> Made[Export]:
        """Have an export made; what is there already, where the id is known.

        A worker is told at once; when that fails it is found within a minute. Raises EmptyRange, RangeTooLong,
        NoSuchCriterion, TooManyExports, IdempotencyKeyReused, StoreUnavailable.
        """
        if order.start >= order.end:
            raise EmptyRange
        if order.end - order.start > LONGEST_RANGE:
            raise RangeTooLong
        for name in order.criteria.model_dump(exclude_none=True).keys() - SOURCES[order.what].criteria.keys():
            raise NoSuchCriterion(f"Exports of {order.what} have no criterion {name}.")
        export, added = await self._exports.add(
            Export(
                id=creation.id,
                org_id=principal.org_id,
                request_hash=creation.request_hash,
                actor_type=principal.actor_type,
                actor_id=principal.actor_id,
                order=order,
                state=State.QUEUED,
                created_at=self._now(),
            )
        )
        if added:
            await self._wake(export)
        return creation.made(export.at(self._clock.now()), export.request_hash, repeated=not added)

    async def show(self, org_id: UUID, export_id: UUID) -> tuple[Export, Sequence[Download]]:
        """An export and where its files are. Raises NoSuchExport, StoreUnavailable, ObjectsUnavailable."""
        now = self._clock.now()
        export = (await self._exports.find(org_id, export_id)).at(now)
        if export.state is not State.DONE:
            return export, ()
        return export, [await self._download(export, number, now) for number in range(len(export.progress.parts))]

    async def page(self, org_id: UUID, *, before: Place | None, limit: int) -> ExportPage:
        """The organization's exports, the latest first: what was taken out of the platform in the last year."""
        page = await self._exports.page(org_id, before=before, limit=limit)
        now = self._clock.now()
        return ExportPage([export.at(now) for export in page.data], page.last)

    async def cancel(self, org_id: UUID, export_id: UUID) -> Export:
        """Stop an export; safe to repeat. Raises NoSuchExport, ExportIsOver, StoreUnavailable."""
        return await self._exports.cancel(org_id, export_id, now=self._now())

    def _now(self) -> datetime:
        return kept(self._clock.now())

    async def _wake(self, export: Export) -> None:
        try:
            await self._announcements.requested(export)
        except PublishFailed as error:
            logger().warning("export waits for the schedule", extra={"reason": error.detail})

    async def _download(self, export: Export, number: int, now: datetime) -> Download:
        part = export.progress.parts[number]
        filename = _filename(export, number)
        seconds = int(min(LINKS_LAST, (export.expires_at or now) - now).total_seconds())
        url = await self._links.link(export.order, part, filename, seconds=max(seconds, 1))
        return Download(part, filename, url, min(now + LINKS_LAST, export.expires_at or now))


def _filename(export: Export, number: int) -> str:
    order = export.order
    whole = len(export.progress.parts) == 1
    part = "" if whole else f".part-{number + 1:05}"
    return f"{order.what}_{order.start:%Y%m%dT%H%M}_{order.end:%Y%m%dT%H%M}{part}.{order.format}"
