"""Bodies about the ledger."""

from datetime import datetime
from typing import Self
from uuid import UUID

from billing.ledger.bookings import Booked, Entry, Kind
from llmo_core.currencies import Currency
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after


class BookingOut(Model):
    """What one thing that happened comes to. The entries, debits positive and credits negative, add up to nothing."""

    id: UUID
    kind: Kind
    reference: UUID
    currency: Currency
    entries: tuple[Entry, ...]
    booked_at: datetime

    @classmethod
    def of(cls, booked: Booked) -> Self:
        """Show a booking."""
        return cls(**{name: getattr(booked, name) for name in cls.model_fields})


class BookingPage(Model):
    """Some bookings, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[BookingOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Booked]) -> Self:
        """Show a page."""
        return cls(data=[BookingOut.of(booked) for booked in page.data], next_cursor=cursor_after(page.last))
