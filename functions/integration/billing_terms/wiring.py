"""Keeping billing's terms with its adapters, made at the first use."""

from redis.asyncio import Redis

from integration.billing_terms.repository import PostgresTerms
from integration.billing_terms.service import BillingTerms
from integration.billing_terms.settings import BillingTermsSettings
from integration.configuration_changes import Changes
from llmo_core.composition import Composition
from llmo_core.ids import new_id_text
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client
from llmo_data.postgres import Database
from llmo_messaging.claims import S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters

_parts = Composition()
once, close = _parts.once, _parts.close


@once
def settings() -> BillingTermsSettings:
    """What the environment says."""
    return BillingTermsSettings.model_validate({})


@once
def billing_terms() -> BillingTerms:
    """The use case."""
    database = _parts.closing(Database(settings().conninfo()), Database.close)
    redis = _parts.closing(redis_client.connect(read_secret(settings().redis_url_secret)), Redis.aclose)
    changes = Changes(database=database, redis=redis, new_version=new_id_text)
    return BillingTerms(terms=PostgresTerms(database), change=changes.change)


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(settings())


def claims() -> S3Claims:
    """Where the data of large events is."""
    return S3Claims(settings().claims_bucket)
