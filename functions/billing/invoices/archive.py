"""Documents as they are printed, kept in S3: made once, when somebody asks for the first time."""

import asyncio
from collections.abc import Callable

from billing.invoices.models import Invoice
from llmo_data.objects import Objects

_LINK_SECONDS = 300


class Archive:
    """Documents of any kind."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def link(self, key: str, number: str, printed: Callable[[], bytes]) -> str:
        """Where a document can be fetched for five minutes, under its number. Raises ObjectsUnavailable."""
        if not await self._objects.exists(key):
            await self._objects.put(key, await asyncio.to_thread(printed))
        return await self._objects.link(key, seconds=_LINK_SECONDS, filename=f"{number}.pdf")


class InvoiceArchive:
    """The documents of finalized invoices."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def link(self, invoice: Invoice) -> str:
        """Where an invoice's PDF can be fetched for five minutes. Raises ObjectsUnavailable."""
        key = f"invoices/{invoice.org_id}/{invoice.id}.pdf"
        return await self._archive.link(key, invoice.number or "draft", lambda: _printed(invoice))


def _printed(invoice: Invoice) -> bytes:
    from billing.invoices.pdf import pdf_of  # noqa: PLC0415 - most of a second, which most processes never spend

    return pdf_of(invoice)
