"""The parameters of lists."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from llmo_core.model import Model


class PageQuery(Model):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")


type Wanted = Annotated[PageQuery, Query()]
