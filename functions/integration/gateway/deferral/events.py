"""What is announced about batches."""

from uuid import UUID

from llmo_messaging.envelope import Event


class BatchCreated(Event, name="llmo.integration.batch.created"):
    """Somebody has made a batch, or deferred a call."""

    batch_id: UUID
    org_id: UUID


class BatchCancellationRequested(Event, name="llmo.integration.batch.cancellation_requested"):
    """Somebody wants no more of a batch's calls made."""

    batch_id: UUID
    org_id: UUID


class BatchCompleted(Event, name="llmo.integration.batch.completed"):
    """A batch has ended, however it did (`status`).

    Ids are as clients see them. `cost_usd` is decimal text, what all of its calls cost together.
    """

    org_id: UUID
    project_id: UUID
    key_id: UUID
    batch: str
    status: str
    endpoint: str
    total: int
    completed: int
    failed: int
    cost_usd: str
    output_file: str | None
    error_file: str | None
