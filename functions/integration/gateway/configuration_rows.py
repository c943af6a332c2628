"""Organizations' configurations in PostgreSQL, as the gateway keeps copies of them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integration.gateway.billing_terms import terms_of
from integration.standings import Standing
from llmo_data.postgres import Connection, Database

FIND_ORGANIZATION: Final = "SELECT org_id FROM auth.admission_organizations WHERE org_ref = %s"
SELECT_PROVIDERS: Final = """
    SELECT id, org_id, name, kind, base_url, api_version, region, headers, data_key, credentials
    FROM integration.providers
    WHERE removed_at IS NULL
    """
SELECT_MODELS: Final = """
    SELECT model.id, model.name, model.version, provider.name AS connection, model.upstream_model, model.context_window,
        model.max_output_tokens, model.deprecated_at, model.retired_at, model.replacement
    FROM integration.models AS model
    JOIN integration.providers AS provider ON provider.id = model.provider_id AND provider.removed_at IS NULL
    WHERE model.removed_at IS NULL
    """
SELECT_PRICES: Final = """
    SELECT model_id, effective_from, input_mtok, cached_input_mtok, output_mtok
    FROM integration.model_prices
    ORDER BY effective_from
    """
SELECT_ROUTES: Final = """
    SELECT id, name, version, strategy, sticky, attempts, deadline_ms, first_byte_ms, between_chunks_ms, targets
    FROM integration.routes
    WHERE removed_at IS NULL
    """

SELECT_SETTINGS: Final = "SELECT time_zone FROM integration.organization_settings"
SELECT_BUDGETS: Final = """
    SELECT id, scope, subject, window_kind AS "window", limit_usd, hard, alerts
    FROM integration.budgets
    WHERE removed_at IS NULL
    """
SELECT_LIMITS: Final = """
    SELECT id, scope, subject, requests_per_minute, tokens_per_minute, tokens_per_day, concurrent_requests
    FROM integration.limits
    WHERE removed_at IS NULL
    """
SELECT_POLICIES: Final = """
    SELECT project_id, key_id, compact, trim_to_tokens, max_output_tokens, prompt_cache, substitute_models,
        substitute_up_to_tokens, cache, cache_any_temperature, cache_ttl_seconds, cache_namespace,
        semantic_mode, semantic_threshold, semantic_embedding_model
    FROM integration.policies
    WHERE removed_at IS NULL
    """
# From one project to the next, and always in the order of the index: there may be any number of purges of each.
SELECT_LAST_PURGES: Final = """
    WITH RECURSIVE last AS (
        (SELECT project_id, id FROM integration.cache_purges WHERE project_id IS NOT NULL
            ORDER BY project_id DESC, id DESC LIMIT 1)
        UNION ALL
        SELECT following.project_id, following.id
        FROM last, LATERAL (
            SELECT project_id, id FROM integration.cache_purges WHERE project_id < last.project_id
            ORDER BY project_id DESC, id DESC LIMIT 1
        ) AS following
    )
    SELECT project_id, id FROM last
    UNION ALL
    (SELECT project_id, id FROM integration.cache_purges WHERE project_id IS NULL
        ORDER BY project_id DESC, id DESC LIMIT 1)
    """
SELECT_PROMPTS: Final = "SELECT id, name, newest, labels FROM integration.prompts WHERE removed_at IS NULL"

SELECT_GUARDRAILS: Final = """
    SELECT project_id, name, stage, kind, action, pattern, pii, words, message
    FROM integration.guardrails
    WHERE removed_at IS NULL AND enabled
    ORDER BY id
    """
SELECT_BILLING_TERMS: Final = """
    SELECT standing, spend_cap_usd, prepaid_limit_usd, prepaid_since FROM integration.billing_terms
    """
SELECT_CONTENT_LOGGING: Final = """
    SELECT project_id, retention_days, redact FROM integration.content_logging WHERE removed_at IS NULL
    """

type Row = dict[str, Any]


NOTHING: Final[Row] = {
    "connections": [],
    "models": [],
    "routes": [],
    "budgets": [],
    "limits": [],
    "policies": [],
    "cache_purges": [],
    "prompts": [],
    "guardrails": [],
    "content_logging": [],
    "time_zone": "UTC",
    "standing": Standing.FULL,
}
RESTRICTED_REQUESTS_PER_MINUTE: Final = 20


class PostgresConfigurations:
    """Reads configurations.

    Args:
        database: The service's own.
        restricted_rpm: How many calls in a minute a restricted organization may make.
    """

    def __init__(self, database: Database, *, restricted_rpm: int = RESTRICTED_REQUESTS_PER_MINUTE) -> None:
        self._database = database
        self._restricted_rpm = restricted_rpm

    async def record(self, org_ref: str) -> Row:
        """An organization's configuration, empty when it has set up nothing. Raises DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            found = await (await connection.execute(FIND_ORGANIZATION, (org_ref,))).fetchone()
        return NOTHING if found is None else await self.record_of(found["org_id"])

    async def record_of(self, org_id: UUID) -> Row:
        """The same of the organization with this id."""
        async with self._database.transaction(org_id) as connection:
            prices = await _rows(connection, SELECT_PRICES)
            terms = next(iter(await _rows(connection, SELECT_BILLING_TERMS)), None)
            of_billing = {} if terms is None else terms_of(terms, self._restricted_rpm)
            return {
                "connections": [_connection(row) for row in await _rows(connection, SELECT_PROVIDERS)],
                "models": [_model(row, prices) for row in await _rows(connection, SELECT_MODELS)],
                "routes": [_route(row) for row in await _rows(connection, SELECT_ROUTES)],
                "budgets": [
                    *(_budget(row) for row in await _rows(connection, SELECT_BUDGETS)),
                    *of_billing.get("budgets", ()),
                ],
                "limits": [
                    *({**row, "id": str(row["id"])} for row in await _rows(connection, SELECT_LIMITS)),
                    *of_billing.get("limits", ()),
                ],
                "policies": [_texts(row) for row in await _rows(connection, SELECT_POLICIES)],
                "cache_purges": [_texts(row) for row in await _rows(connection, SELECT_LAST_PURGES)],
                "prompts": [_texts(row) for row in await _rows(connection, SELECT_PROMPTS)],
                "guardrails": [_texts(row) for row in await _rows(connection, SELECT_GUARDRAILS)],
                "content_logging": [_texts(row) for row in await _rows(connection, SELECT_CONTENT_LOGGING)],
                "time_zone": next((row["time_zone"] for row in await _rows(connection, SELECT_SETTINGS)), "UTC"),
                "standing": of_billing.get("standing", Standing.FULL),
            }


async def _rows(connection: Connection, statement: str) -> list[Row]:
    return await (await connection.execute(statement.encode())).fetchall()


def _connection(row: Row) -> Row:
    sealed = {name: bytes(row[name]).hex() if row[name] is not None else None for name in ("data_key", "credentials")}
    return {**row, **sealed, "id": str(row["id"]), "org_id": str(row["org_id"])}


def _model(row: Row, prices: list[Row]) -> Row:
    return {
        **{name: row[name] for name in ("name", "connection", "upstream_model", "replacement")},
        **{name: row[name] for name in ("context_window", "max_output_tokens")},
        "version": _version(row["id"], row["version"]),
        "deprecated_ms": _ms(row["deprecated_at"]),
        "retired_ms": _ms(row["retired_at"]),
        "prices": [_price(price) for price in prices if price["model_id"] == row["id"]],
    }


def _price(row: Row) -> Row:
    amounts = {name: row[name] for name in ("input_mtok", "cached_input_mtok", "output_mtok")}
    return {
        "from_ms": _ms(row["effective_from"]),
        **{name: str(amount) if amount is not None else None for name, amount in amounts.items()},
    }


def _budget(row: Row) -> Row:
    return {**row, "id": str(row["id"]), "limit_usd": str(row["limit_usd"])}


def _texts(row: Row) -> Row:
    """The row with its ids as texts."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}


def _route(row: Row) -> Row:
    return {**row, "id": str(row["id"]), "version": _version(row["id"], row["version"])}


def _version(row_id: UUID, version: int) -> str:
    return f"{row_id} {version}"


def _ms(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment is not None else None
