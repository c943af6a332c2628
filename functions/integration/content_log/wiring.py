"""Keeping contents with its adapters, made at the first use."""

from integration.content_log.objects import S3CallContents
from integration.content_log.repository import PostgresCallContents
from integration.content_log.service import ContentLog
from integration.content_log.settings import ContentLogSettings
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_data.objects import Objects
from llmo_data.postgres import Database
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters

MEDIA_TYPE = "application/json"
_parts = Composition()
once, close = _parts.once, _parts.close


@once
def settings() -> ContentLogSettings:
    """What the environment says."""
    return ContentLogSettings.model_validate({})


@once
def content_log() -> ContentLog:
    """The use case."""
    database = _parts.closing(Database(settings().conninfo()), Database.close)
    contents = S3CallContents(Objects(settings().contents_bucket, MEDIA_TYPE))
    return ContentLog(noted=PostgresCallContents(database), contents=contents, clock=SystemClock())


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(settings())


def claims() -> S3Claims:
    """Where the data of large events is."""
    return S3Claims(settings().claims_bucket)
