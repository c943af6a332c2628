"""Dry runs with their adapters, made at the first request."""

import json

from pymongo.asynchronous.database import AsyncDatabase

from integration.dry_runs.history import MongoHistory
from integration.dry_runs.organizations import PostgresOrganizations
from integration.dry_runs.prices import CurrentPlanners
from integration.dry_runs.service import DryRunService
from integration.dry_runs.settings import DryRunSettings
from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.price_rows import PostgresEditions
from llmo_core.clock import Clock, SystemClock
from llmo_core.composition import Composition
from llmo_core.secrets import read_secret
from llmo_data import mongo
from llmo_data.mongo import Document
from llmo_data.postgres import Database

_parts = Composition()
once, close = _parts.once, _parts.close
FORMS = {form.endpoint.value: form for form in ENDPOINTS.values()}


@once
def _settings() -> DryRunSettings:
    return DryRunSettings.model_validate({})


@once
def _service() -> DryRunService:
    database = _parts.closing(Database(_settings().conninfo()), Database.close)
    now = SystemClock().now
    return DryRunService(
        history=MongoHistory(_usage()),
        organizations=PostgresOrganizations(database),
        planners=CurrentPlanners(PostgresEditions(database), json.loads(_settings().model_prices or "{}"), now=now),
        forms=FORMS,
    )


@once
def _usage() -> AsyncDatabase[Document]:
    usage = mongo.connect(read_secret(_settings().mongodb_uri_secret), _settings().mongodb_database)
    return _parts.closing(usage, lambda database: database.client.close())


async def dry_run_service() -> DryRunService:
    """The use case."""
    return _service()


async def clock() -> Clock:
    """What time it is."""
    return SystemClock()
