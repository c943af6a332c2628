"""Bodies and exports of the audit log."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from auth.audit.models import AuditEntry, AuditFilter, AuditPage
from llmo_core.csv_cells import no_formula
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_core.paging import cursor_after


class Format(StrEnum):
    """How entries are exported."""

    CSV = "csv"
    JSONL = "jsonl"


class AuditCriteria(Model):
    """Which entries of the audit log are wanted."""

    action: Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)*$", max_length=100)] | None = Field(
        None, description="Such as `member.removed`, or `member` for everything that begins with it."
    )
    actor_id: UUID | None = None
    target_id: UUID | None = None
    since: Moment | None = None
    until: Moment | None = Field(None, description="The first moment that is not wanted any more.")
    cursor: str | None = None

    def wanted(self) -> AuditFilter:
        """As the use case takes it."""
        return AuditFilter(**self.model_dump(include=set(AuditFilter.model_fields)))


class AuditQuery(AuditCriteria):
    """A page of them."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ExportQuery(AuditCriteria):
    """A file of them."""

    format: Format = Format.CSV


class AuditEntryOut(Model):
    """Who did what to what from where."""

    id: UUID
    occurred_at: datetime
    actor_type: str
    actor_id: UUID | None
    client_id: UUID | None = Field(description="The application that acted for the actor.")
    action: str
    target_id: UUID
    details: Mapping[str, Any]
    ip: str | None
    user_agent: str | None

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Show an entry."""
        return cls(**entry.model_dump(exclude={"org_id", "subject_id"}))


class AuditPageOut(Model):
    """Some entries, newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[AuditEntryOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        """Show a page."""
        return cls(data=[AuditEntryOut.of(entry) for entry in page.entries], next_cursor=cursor_after(page.last))


def to_csv(entries: Iterable[AuditEntry]) -> str:
    """Entries as CSV (RFC 4180) with a header. No cell can be taken for a formula by a spreadsheet."""
    written = io.StringIO()
    names = list(AuditEntryOut.model_fields)
    rows = csv.DictWriter(written, names)
    rows.writeheader()
    for entry in entries:
        shown = AuditEntryOut.of(entry).model_dump(mode="json")
        shown["details"] = json.dumps(shown["details"], separators=(",", ":"))
        rows.writerow({name: _plain(value) for name, value in shown.items()})
    return written.getvalue()


def to_json_lines(entries: Iterable[AuditEntry]) -> str:
    """Entries as JSON, one on each line."""
    return "".join(AuditEntryOut.of(entry).model_dump_json() + "\n" for entry in entries)


def _plain(value: object) -> str:
    return no_formula("" if value is None else str(value))
