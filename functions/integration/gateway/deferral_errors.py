"""What is refused of files and batches, and why."""

from llmo_core import errors


class NoSuchFile(errors.NotFound):
    """There is no such file in the key's project."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No such File object: {name}")


class NoSuchBatch(errors.NotFound):
    """There is no such batch in the key's project."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No batch found with id '{name}'.")


class BatchEnded(errors.Conflict):
    """The batch has ended, or is being cancelled already."""

    def __init__(self, status: str) -> None:
        super().__init__(f"Cannot cancel a batch with status '{status}'.")


class FilesUnavailable(errors.Unavailable):
    """The contents of files cannot be read or written right now."""


class TooManyBatches(errors.TooManyRequests):
    """As many batches and deferred calls of the project are open as may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"At most {most} batches of a project may be open at a time.", retry_after_seconds=60.0)


class NoRoomForFile(errors.Invalid):
    """The project's files would have more bytes together than they may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The files of a project have at most {most} bytes together: delete some of them.")
