"""Bodies about suppressions."""

from typing import Annotated, Self

from pydantic import Field

from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after
from notification.kinds.models import Channel
from notification.suppressions.models import Suppression


class SuppressionPage(Model):
    """Some suppressions, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[Suppression]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Suppression]) -> Self:
        """Show a page."""
        return cls(data=[*page.data], next_cursor=cursor_after(page.last))


class SuppressionQuery(Model):
    """Which suppressions, and which page of them."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")
    channel: Channel | None = None
    address: Annotated[
        str | None, Field(min_length=1, max_length=320, pattern=r"^[^\x00]*$", description="Of which a hash is kept.")
    ] = None
