"""The inbox over HTTP: a person's own, as a member of the organization that their token is for."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from llmo_core.http.documentation import refusals
from llmo_core.paging import entry_before
from notification.callers import CURSOR, Me
from notification.inbox import wiring
from notification.inbox.models import Counts, Mark
from notification.inbox.schemas import InboxPage, InboxQuery, ItemOut, MarkSeen, ReadAll
from notification.inbox.service import InboxService

router = APIRouter(prefix="/api/v1/inbox")

type Inbox = Annotated[InboxService, Depends(wiring.inbox_service)]

_UNKNOWN: Final = refusals(status_404="There is nothing with this id in the caller's inbox.")


@router.get("", responses=CURSOR)
async def list_items(person: Me, service: Inbox, query: Annotated[InboxQuery, Query()]) -> InboxPage:
    """List what the caller was told, of the token's organization and of themselves, the newest first."""
    page = await service.page(person, query.wanted(), before=entry_before(query.cursor), limit=query.limit)
    return InboxPage.of(page)


@router.get("/count")
async def count_items(person: Me, service: Inbox) -> Counts:
    """Count what is unread, and what of that was never shown; what is archived does not count."""
    return await service.count(person)


@router.post("/seen")
async def mark_items_seen(body: MarkSeen, person: Me, service: Inbox) -> Counts:
    """Mark items as seen that were shown in a list. Ids that there are not, or no more, are skipped."""
    return await service.mark_seen(person, body.ids)


@router.post("/read-all")
async def read_all_items(body: ReadAll, person: Me, service: Inbox) -> Counts:
    """Mark everything as read that came up to a moment, of all categories or of one, unless it is archived."""
    return await service.read_all(person, body.category, until=body.until)


@router.post("/{item_id}/seen", responses=_UNKNOWN)
async def mark_item_seen(item_id: UUID, person: Me, service: Inbox) -> ItemOut:
    """Mark an item as seen."""
    return ItemOut.of(await service.mark(person, item_id, Mark.SEEN))


@router.post("/{item_id}/read", responses=_UNKNOWN)
async def mark_item_read(item_id: UUID, person: Me, service: Inbox) -> ItemOut:
    """Mark an item as read. An e-mail that would have followed it unread is not sent."""
    return ItemOut.of(await service.mark(person, item_id, Mark.READ))


@router.post("/{item_id}/unread", responses=_UNKNOWN)
async def mark_item_unread(item_id: UUID, person: Me, service: Inbox) -> ItemOut:
    """Mark an item as unread."""
    return ItemOut.of(await service.mark(person, item_id, Mark.UNREAD))


@router.post("/{item_id}/archive", responses=_UNKNOWN)
async def archive_item(item_id: UUID, person: Me, service: Inbox) -> ItemOut:
    """Put an item away: it is neither counted nor listed with the others."""
    return ItemOut.of(await service.mark(person, item_id, Mark.ARCHIVED))


@router.post("/{item_id}/unarchive", responses=_UNKNOWN)
async def unarchive_item(item_id: UUID, person: Me, service: Inbox) -> ItemOut:
    """Take an item back into the list."""
    return ItemOut.of(await service.mark(person, item_id, Mark.UNARCHIVED))
