"""The kinds of fields that bodies of every area share."""

from typing import Annotated

from fastapi import Query
from pydantic import Field, StringConstraints

from llmo_core.model import Model

# What callers send as `model`, and what stands before the first slash of `provider/model`.
type ModelName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$")
]
type ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
type UpstreamModel = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
type Region = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
type Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
type Count = Annotated[int, Field(gt=0, le=2_147_483_647)]


class PageQuery(Model):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")


type Wanted = Annotated[PageQuery, Query()]
