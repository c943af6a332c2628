"""What a digest is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from notification.kinds.models import Category


class DueDigest(NamedTuple):
    """A digest that is to go now."""

    org_id: UUID | None
    user_id: UUID
    digest: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """A message that waited for it."""

    id: UUID
    kind: str
    category: Category
    address: str | None = field(repr=False)
    name: str | None
    locale: str
    time_zone: str
    variables: Mapping[str, Any] = field(repr=False)
    organization: str | None
