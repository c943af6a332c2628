"""How MongoDB is used: what its errors mean here, and how long a read may take."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pymongo.errors import BulkWriteError, ConnectionFailure, ExecutionTimeout, WriteConcernError

from analytics.deadlines import Deadline
from analytics.models import StoreUnavailable, TooSlow

MAX_TIME_MS = 11_000  # of a read by itself
_DUPLICATE_KEY = 11000


@contextmanager
def store_errors(deadline: Deadline | None = None) -> Iterator[None]:
    """Raise StoreUnavailable and TooSlow for what PyMongo raises; with a deadline, what is refused says why."""
    try:
        yield
    except ExecutionTimeout as error:
        raise (TooSlow() if deadline is None else deadline.too_slow()) from error
    except (ConnectionFailure, WriteConcernError) as error:
        raise StoreUnavailable from error
    except BulkWriteError as error:
        if error.details.get("writeConcernErrors"):
            raise StoreUnavailable from error
        raise


def milliseconds(deadline: Deadline | None) -> int:
    """For how long a read may last. Raises TooSlow where no time is left."""
    return MAX_TIME_MS if deadline is None else min(2 * MAX_TIME_MS, deadline.left_ms())


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether all that a batch failed at is there already."""
    details: Mapping[str, Any] = error.details
    mistakes = details.get("writeErrors", [])
    return not details.get("writeConcernErrors") and all(each["code"] == _DUPLICATE_KEY for each in mistakes)


def kept(moment: datetime) -> datetime:
    """A moment as MongoDB keeps it: to a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
