"""The kinds of fields that bodies of every area share."""

from typing import Annotated

from fastapi import Query
from pydantic import Field, StringConstraints

# What callers send as `model`, and what stands before the first slash of `provider/model`.
type ModelName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$")
]
type ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
type UpstreamModel = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
type Region = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
type Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
type Count = Annotated[int, Field(gt=0, le=2_147_483_647)]
type Limit = Annotated[int, Query(ge=1, le=100)]
