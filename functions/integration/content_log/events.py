"""What is told of contents of calls."""

from datetime import datetime
from uuid import UUID

from llmo_messaging.envelope import Event


class ContentRecorded(Event, name="llmo.integration.content.recorded"):
    """What was said in a call of a project that wants it kept for some days.

    `call_id` is the id of the call's usage event. `request` is what went to the provider, as JSON, and `response` what
    came back, JSON or a stream of events; None of what is not text, of what could not be looked at for personal data,
    and of what did not come. `cut` names those of them of which only the beginning is there.
    """

    call_id: UUID
    org_id: UUID
    project_id: UUID
    key_id: UUID
    request_id: str
    endpoint: str
    model: str
    status: str
    http_status: int
    end_user: str | None
    started_at: datetime
    retention_days: int
    redacted: bool
    request: str | None
    response: str | None
    cut: list[str]
