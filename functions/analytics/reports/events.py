"""What is told of reports, and what reports listen to."""

from datetime import datetime
from uuid import UUID

from llmo_messaging.envelope import Event


class RunRequested(Event, name="llmo.analytics.report.run_requested"):
    """A report is to be run: a worker may begin."""

    org_id: UUID
    run_id: UUID


class ReportReady(Event, name="llmo.analytics.report.ready"):
    """A report's files can be fetched; `url` is one of them, and works until `expires_at`."""

    org_id: UUID
    report_id: UUID
    run_id: UUID
    name: str
    user_ids: tuple[UUID, ...]
    addresses: tuple[str, ...]
    url: str
    expires_at: datetime


class ReportFailed(Event, name="llmo.analytics.report.failed"):
    """A report could not be made."""

    org_id: UUID
    report_id: UUID
    run_id: UUID
    name: str
    user_ids: tuple[UUID, ...]
    addresses: tuple[str, ...]
    failure: str


class MemberRemoved(Event, name="llmo.auth.member.removed"):
    """Somebody is no member any more."""

    user_id: UUID


class OrganizationClosed(Event, name="llmo.auth.organization.closed"):
    """Nobody gets into an organization any more. Which one is in the envelope."""


class ApiKeyRevoked(Event, name="llmo.auth.api_key.revoked"):
    """A key can be used no more."""

    key_id: UUID
