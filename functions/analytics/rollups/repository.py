"""Rollups in MongoDB: a document for each sheet of a unit, in the collection `usage_rollups`.

Documents are inserted, and those that they replace are deleted afterwards: servers are quicker at that than at
replacing, and whoever reads meanwhile takes the one with the largest fence.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DeleteOne, IndexModel, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from analytics.deadlines import Deadline
from analytics.models import StoreUnavailable
from analytics.rollups.columns import Columns
from analytics.rollups.folding import Rollup
from analytics.rollups.models import NUMBERS, SHEETS, Granularity, GroupingSet, Sheet, Unit
from analytics.rollups.planning import Range, runs
from analytics.rollups.ports import EVERY_SKETCH, Part
from analytics.rollups.sheets import LARGEST_DOCUMENT, sheets_of
from analytics.storage import MAX_TIME_MS, milliseconds, store_errors
from llmo_core.clock import Clock
from llmo_data.mongo import Document

COLLECTION: Final = "usage_rollups"
FENCES: Final = "usage_rollup_fences"
MINUTES_KEPT: Final = timedelta(days=400)  # as long a range as can be asked about, and a month
_WRITTEN_AT_ONCE: Final = 500
_READ_AT_ONCE: Final = {Sheet.TOTAL: 1_000, Sheet.SINGLES: 400, Sheet.WHOLE: 240, Sheet.HOURS: 400}
_FEW: Final = 64
_BATCH: Final = 1_000
_GAP: Final = 12  # units that are read without need, where that spares a read
_INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("granularity", ASCENDING), ("sheet", ASCENDING), ("start", ASCENDING)]),
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A document that is there already."""

    id: str
    start: datetime
    fence: int
    requests: int


class MongoRollups:
    """The rollups of all organizations; every read names one.

    Args:
        minutes_kept: For how long rollups of minutes are kept after they were made; those of hours and days stay.
        largest_document: How many bytes of groups a document may have.
    """

    def __init__(
        self,
        database: AsyncDatabase[Document],
        *,
        clock: Clock,
        minutes_kept: timedelta = MINUTES_KEPT,
        largest_document: int = LARGEST_DOCUMENT,
    ) -> None:
        self._largest_document = largest_document
        self._clock = clock
        self._minutes_kept = minutes_kept
        self._rollups = database[COLLECTION]
        self._fences = database[FENCES]
        self._indexed = False

    async def fence(self) -> int:
        """A number above all that were given before."""
        with store_errors():
            given = await self._fences.find_one_and_update(
                {"_id": COLLECTION}, {"$inc": {"last": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        if given is None:  # an upsert has always something to give
            raise StoreUnavailable
        return int(given["last"])

    async def replace(self, rollups: Mapping[Unit, Rollup], *, fence: int, never_less: bool = False) -> None:
        """Keep rollups instead of those that there are, but for those that were written with a later fence."""
        if not rollups:
            return
        with store_errors():
            if not self._indexed:
                await self._rollups.create_indexes(_INDEXES)
                self._indexed = True
            kept = await self._kept(list(rollups))
            more = (
                {each.start: each.requests for each in sorted(kept, key=lambda each: each.fence)} if never_less else {}
            )
            made = {unit: each for unit, each in rollups.items() if _requests(each) >= more.get(unit.start, 0)}
            documents = [each for unit, rollup in made.items() for each in self._documents(unit, rollup, fence)]
            for some in batched(documents, _WRITTEN_AT_ONCE, strict=False):
                await self._rollups.insert_many(some, ordered=False)
            replaced = {unit.start for unit in made}
            deletions = [DeleteOne({"_id": each.id}) for each in kept if each.start in replaced and each.fence < fence]
            if deletions:
                await self._rollups.bulk_write(deletions, ordered=False)

    async def parts(
        self,
        org_id: UUID,
        granularity: Granularity,
        grouping: GroupingSet,
        starts: Sequence[datetime],
        *,
        sketches: Collection[str] = EVERY_SKETCH,
        deadline: Deadline | None = None,
    ) -> AsyncIterator[Part]:
        """The groups of units, in no order; of histograms and users, `users`, those that are wanted.

        Days may have been kept without their hours: they are left out then, and so are all without rollups.
        """
        if not starts:
            return
        sheet = next(each for each, sets in SHEETS[granularity].items() if grouping in sets)
        if not sketches:
            sheet = NUMBERS.get(sheet, sheet)
        wanted = set(starts)
        shown = {"_id": 0, "start": 1, "fence": 1, **{f"{grouping}.{each}": 1 for each in ("counts", *sketches)}}
        with store_errors(deadline):
            for start, end in _ranges(starts, granularity, _READ_AT_ONCE.get(sheet, _FEW)):
                newest: dict[datetime, Document] = {}
                found = self._rollups.find(_where(org_id, granularity, sheet, start, end), shown, batch_size=_BATCH)
                async for each in found.max_time_ms(milliseconds(deadline)):
                    at = each["start"]
                    if at in wanted and (at not in newest or newest[at]["fence"] < each["fence"]):
                        newest[at] = each
                for at, each in newest.items():
                    if grouping in each:
                        yield at, Columns(each[grouping])

    async def units(
        self, org_id: UUID, granularity: Granularity, grouping: GroupingSet, starts: Sequence[datetime]
    ) -> Sequence[Part]:
        """The groups of units, with all that is counted."""
        return [part async for part in self.parts(org_id, granularity, grouping, starts)]

    async def starts(self, org_id: UUID, granularity: Granularity) -> Sequence[datetime]:
        """Of which units there are rollups, ascending."""
        sheet = next(each for each, sets in SHEETS[granularity].items() if GroupingSet.TOTAL in sets)
        wanted = {"org_id": org_id, "granularity": granularity.value, "sheet": sheet.value}
        with store_errors():
            found = self._rollups.find(wanted, {"_id": 0, "start": 1}).max_time_ms(MAX_TIME_MS)
            return sorted({each["start"] async for each in found})

    async def amend(self, unit: Unit, rollup: Rollup, *, fence: int) -> None:
        """Keep some grouping sets of a unit instead of those that it has, and the others as they are."""
        with store_errors():
            newest: dict[str, Document] = {}
            kept: list[Document] = []
            for sheet in SHEETS[unit.granularity]:
                found = self._rollups.find(_where(unit.org_id, unit.granularity, sheet, unit.start, unit.end))
                kept += await found.max_time_ms(MAX_TIME_MS).to_list()
            for each in sorted(kept, key=lambda each: each["fence"]):
                newest[each["sheet"]] = each
            sheets = sheets_of(unit.granularity, rollup, most_bytes=self._largest_document)
            amended = [
                {
                    **each,
                    **{name: groups for name, groups in sheets[Sheet(sheet)].items() if name in each},
                    "_id": _id(unit, Sheet(sheet), fence),
                    "fence": fence,
                }
                for sheet, each in newest.items()
                if each["fence"] < fence
            ]
            if amended:
                await self._rollups.insert_many(amended, ordered=False)
                older = [DeleteOne({"_id": each["_id"]}) for each in kept if each["fence"] < fence]
                await self._rollups.bulk_write(older, ordered=False)

    async def _kept(self, units: Sequence[Unit]) -> list[_Kept]:
        org_id, granularity = units[0].org_id, units[0].granularity
        starts = sorted(unit.start for unit in units)
        return [
            _Kept(each["_id"], each["start"], each["fence"], each["requests"])
            for sheet in SHEETS[granularity]
            for start, end in runs(starts, granularity, gap=_GAP)
            async for each in self._rollups.find(
                _where(org_id, granularity, sheet, start, end), {"start": 1, "fence": 1, "requests": 1}
            ).max_time_ms(MAX_TIME_MS)
        ]

    def _documents(self, unit: Unit, rollup: Rollup, fence: int) -> list[Document]:
        minute = unit.granularity is Granularity.MINUTE
        said: Document = {
            "org_id": unit.org_id,
            "granularity": unit.granularity.value,
            "start": unit.start,
            "fence": fence,
            "requests": _requests(rollup),
            "expires_at": self._clock.now() + self._minutes_kept if minute else None,
        }
        return [
            {**said, "_id": _id(unit, sheet, fence), "sheet": sheet.value, **groupings}
            for sheet, groupings in sheets_of(unit.granularity, rollup, most_bytes=self._largest_document).items()
        ]


def _id(unit: Unit, sheet: Sheet, fence: int) -> str:
    return f"{unit.org_id}/{unit.granularity}/{sheet}/{unit.start.isoformat()}/{fence}"


def _ranges(starts: Sequence[datetime], granularity: Granularity, at_once: int) -> Iterator[Range]:
    """Ranges that cover units, none of which holds more than are read at once."""
    for some in batched(starts, at_once, strict=False):
        yield from runs(some, granularity, gap=_GAP)


def _where(org_id: UUID, granularity: Granularity, sheet: Sheet, start: datetime, end: datetime) -> dict[str, Any]:
    of = {"org_id": org_id, "granularity": granularity.value, "sheet": sheet.value}
    return of | {"start": {"$gte": start, "$lt": end}}


def _requests(rollup: Rollup) -> int:
    return rollup[GroupingSet.TOTAL][()].requests
