"""What the use cases of the catalogue need of the world around them.

Each method sees what its viewer may see: the operator everything, all others what is, or was, offered.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from billing.catalogue.models import KeptMeter, Plan, Version
from billing.models import Viewer


class Meters(Protocol):
    """Where meters are kept."""

    async def page(self, viewer: Viewer, *, before: UUID | None, limit: int) -> Sequence[KeptMeter]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, viewer: Viewer, code: str) -> KeptMeter | None:
        """The one with this code."""
        ...

    async def named(self, viewer: Viewer, codes: Collection[str]) -> Mapping[str, KeptMeter]:
        """Those with these codes, by code."""
        ...

    async def add(self, meter: KeptMeter) -> None:
        """Keep a new one. Raises CodeTaken."""
        ...


class Plans(Protocol):
    """Where plans and their versions are kept."""

    async def page(self, viewer: Viewer, *, before: UUID | None, limit: int) -> Sequence[Plan]:
        """At most `limit` plans, the newest first, that are older than the one with the id `before`.

        Those who are not the operator see the plans that one can subscribe to.
        """
        ...

    async def find(self, viewer: Viewer, plan_id: UUID) -> Plan | None:
        """The one with this id."""
        ...

    async def locked(self, viewer: Viewer, plan_id: UUID) -> Plan | None:
        """The same for the operator's transaction under way, which nobody else changes the plan before the end of."""
        ...

    async def add(self, plan: Plan) -> None:
        """Keep a new one with its version. Raises CodeTaken."""
        ...

    async def change(self, plan: Plan) -> None:
        """Keep what has changed of a plan but for its versions."""
        ...

    async def versions(self, viewer: Viewer, plan_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Version]:
        """At most `limit` of a plan's versions, the newest first, that are older than the one with the id `before`."""
        ...

    async def version(self, viewer: Viewer, plan_id: UUID, number: int) -> Version | None:
        """A plan's version of this number."""
        ...

    async def add_version(self, version: Version) -> None:
        """Keep a new version."""
        ...
