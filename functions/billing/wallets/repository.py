"""Wallets, grants and top-ups in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.errors import UniqueViolation

from billing.fields import MinorUnits
from billing.wallets.models import AutomaticTopUp, CreditSpentMeanwhile, Grant, GrantDiffers, TopUp, Wallet
from llmo_core.currencies import Currency
from llmo_data.postgres import Database, every, insert, one

_WALLETS = """
    SELECT wallet.*, (
        SELECT coalesce(sum(remaining), 0)::bigint FROM billing.grants
        WHERE org_id = wallet.org_id AND wallet_id = wallet.id AND remaining > 0
            AND (expires_at IS NULL OR expires_at > %(now)s)
    ) AS balance
    FROM billing.wallets AS wallet
    WHERE org_id = %(org_id)s
    """
_WALLET_PAGE = _WALLETS + " AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
_WALLET = _WALLETS + " AND id = %(wallet_id)s"
_WALLET_IN = _WALLETS + " AND currency = %(currency)s"
# A statement of its own: in the one that waits for the lock, the balance would still be that of before.
_LOCK_WALLET = "SELECT id FROM billing.wallets WHERE org_id = %(org_id)s AND currency = %(currency)s FOR UPDATE"
_CHANGE_WALLET = """
    UPDATE billing.wallets
    SET name = %(name)s, low_balance = %(low_balance)s, top_up_below = %(top_up_below)s,
        top_up_amount = %(top_up_amount)s, revision = %(revision)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """

_OF_WALLET = """
    WHERE org_id = %(org_id)s AND wallet_id = %(wallet_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
_GRANTS = "SELECT * FROM billing.grants"
_GRANT_PAGE = _GRANTS + _OF_WALLET
_GRANTS_LEFT = """
    SELECT * FROM billing.grants WHERE org_id = %(org_id)s AND wallet_id = %(wallet_id)s AND remaining > 0 ORDER BY id
    """
_GRANTS_NAMED = "SELECT * FROM billing.grants WHERE org_id = %(org_id)s AND id = ANY(%(ids)s) ORDER BY id"
_GRANTS_REFERRING = """
    SELECT * FROM billing.grants
    WHERE org_id = %(org_id)s AND wallet_id = %(wallet_id)s AND reference = ANY(%(references)s)
    ORDER BY id DESC
    """
_TAKE = """
    UPDATE billing.grants AS granted SET remaining = remaining - taken.amount
    FROM unnest(%(ids)s::uuid[], %(amounts)s::bigint[]) AS taken (id, amount)
    WHERE granted.org_id = %(org_id)s AND granted.id = taken.id AND granted.remaining >= taken.amount
    """
_EXPIRED = "SELECT DISTINCT org_id, currency FROM billing.expiring_credit WHERE expires_at <= %(now)s LIMIT %(limit)s"

_TOP_UPS = "SELECT * FROM billing.top_ups"
_TOP_UP_PAGE = _TOP_UPS + _OF_WALLET
_UNLESS_UNDER_WAY = sql.SQL(" ON CONFLICT (wallet_id) WHERE automatic AND status = 'pending' DO NOTHING")
_TOP_UP = "SELECT * FROM billing.top_ups WHERE org_id = %(org_id)s AND id = %(id)s"
_SETTLE = """
    UPDATE billing.top_ups SET status = %(status)s, failure = %(failure)s, settled_at = %(settled_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """


class PostgresWallets:
    """Wallets with their balances."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, now: datetime, before: UUID | None, limit: int) -> Sequence[Wallet]:
        """At most `limit` of an organization's wallets, the newest first, that are older than the one with this id."""
        async with self._database.joined(org_id) as connection:
            found = await every(connection, _WALLET_PAGE, org_id=org_id, now=now, before=before, limit=limit)
        return [_wallet(row) for row in found]

    async def find(self, org_id: UUID, wallet_id: UUID, *, now: datetime) -> Wallet | None:
        """The one with this id."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, _WALLET, org_id=org_id, wallet_id=wallet_id, now=now)
        return _wallet(row) if row is not None else None

    async def locked(self, org_id: UUID, currency: Currency, *, now: datetime) -> Wallet | None:
        """The one in this currency, which nobody else fills or spends from before the transaction under way ends."""
        wanted = {"org_id": org_id, "currency": currency.value}
        async with self._database.joined(org_id) as connection:
            await one(connection, _LOCK_WALLET, **wanted)
            row = await one(connection, _WALLET_IN, **wanted, now=now)
        return _wallet(row) if row is not None else None

    async def add(self, wallet: Wallet) -> bool:
        """Keep a new one; False, and nothing, where there is one in its currency."""
        statement, row = insert("billing.wallets", _settings_row(wallet) | {"created_at": wallet.created_at})
        async with self._database.joined(wallet.org_id) as connection:
            added = await connection.execute(statement + sql.SQL(" ON CONFLICT (org_id, currency) DO NOTHING"), row)
        return added.rowcount > 0

    async def change(self, wallet: Wallet) -> None:
        """Keep other settings."""
        async with self._database.joined(wallet.org_id) as connection:
            await connection.execute(_CHANGE_WALLET, _settings_row(wallet))


class PostgresGrants:
    """Grants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, wallet_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Grant]:
        """At most `limit` of a wallet's grants, the newest first, that are older than the one with this id."""
        wanted = {"org_id": org_id, "wallet_id": wallet_id, "before": before, "limit": limit}
        async with self._database.joined(org_id) as connection:
            return [Grant(**row) for row in await every(connection, _GRANT_PAGE, **wanted)]

    async def left(self, org_id: UUID, wallet_id: UUID) -> Sequence[Grant]:
        """Those of which something is left, expired ones as well."""
        async with self._database.joined(org_id) as connection:
            found = await every(connection, _GRANTS_LEFT, org_id=org_id, wallet_id=wallet_id)
        return [Grant(**row) for row in found]

    async def named(self, org_id: UUID, grant_ids: Sequence[UUID]) -> Sequence[Grant]:
        """Those with these ids."""
        async with self._database.joined(org_id) as connection:
            return [Grant(**row) for row in await every(connection, _GRANTS_NAMED, org_id=org_id, ids=list(grant_ids))]

    async def referring(self, org_id: UUID, wallet_id: UUID, references: Sequence[UUID]) -> Sequence[Grant]:
        """A wallet's that come of any of these, the newest first."""
        wanted = {"org_id": org_id, "wallet_id": wallet_id, "references": list(references)}
        async with self._database.transaction(org_id) as connection:
            return [Grant(**row) for row in await every(connection, _GRANTS_REFERRING, **wanted)]

    async def add(self, grant: Grant) -> None:
        """Keep a new one. Raises GrantDiffers when its id is taken."""
        async with self._database.transaction(grant.org_id) as connection:
            try:
                await connection.execute(*insert("billing.grants", _values(grant.model_dump())))
            except UniqueViolation as error:  # the operator chose an id that another organization's grant has
                raise GrantDiffers from error

    async def take(self, org_id: UUID, amounts: Mapping[UUID, MinorUnits]) -> None:
        """Let less be left of grants. Raises CreditSpentMeanwhile where there is not so much."""
        taken = {"org_id": org_id, "ids": list(amounts), "amounts": list(amounts.values())}
        async with self._database.joined(org_id) as connection:
            done = await connection.execute(_TAKE, taken)
            if done.rowcount != len(amounts):
                raise CreditSpentMeanwhile

    async def wallets_with_expired(self, now: datetime, *, limit: int) -> Sequence[tuple[UUID, Currency]]:
        """Some wallets, by organization and currency, that have credit left which has expired."""
        async with self._database.transaction() as connection:
            found = await every(connection, _EXPIRED, now=now, limit=limit)
        return [(row["org_id"], Currency(row["currency"])) for row in found]


class PostgresTopUps:
    """Top-ups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, wallet_id: UUID, *, before: UUID | None, limit: int) -> Sequence[TopUp]:
        """At most `limit` of a wallet's top-ups, the newest first, that are older than the one with this id."""
        wanted = {"org_id": org_id, "wallet_id": wallet_id, "before": before, "limit": limit}
        async with self._database.joined(org_id) as connection:
            return [TopUp(**row) for row in await every(connection, _TOP_UP_PAGE, **wanted)]

    async def find(self, org_id: UUID, top_up_id: UUID) -> TopUp | None:
        """The one with this id."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, _TOP_UP, org_id=org_id, id=top_up_id)
        return TopUp(**row) if row is not None else None

    async def locked(self, org_id: UUID, top_up_id: UUID) -> TopUp | None:
        """The one with this id, which nobody else settles before the transaction under way ends."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, _TOP_UP + " FOR UPDATE", org_id=org_id, id=top_up_id)
        return TopUp(**row) if row is not None else None

    async def add(self, top_up: TopUp) -> bool:
        """Keep a new one; False, and nothing, where the wallet is being topped up by itself already."""
        statement, row = insert("billing.top_ups", _values(top_up.model_dump()))
        async with self._database.joined(top_up.org_id) as connection:
            added = await connection.execute(statement + _UNLESS_UNDER_WAY, row)
        return added.rowcount > 0

    async def settle(self, top_up: TopUp) -> None:
        """Keep how it ended."""
        async with self._database.joined(top_up.org_id) as connection:
            await connection.execute(_SETTLE, _values(top_up.model_dump()))


def _wallet(row: Mapping[str, Any]) -> Wallet:
    below, amount = row["top_up_below"], row["top_up_amount"]
    automatic = AutomaticTopUp(below=below, amount=amount) if below is not None else None
    fields = {name: row[name] for name in Wallet.model_fields if name != "automatic_top_up"}
    return Wallet(**fields, automatic_top_up=automatic)


def _settings_row(wallet: Wallet) -> dict[str, Any]:
    automatic = wallet.automatic_top_up
    return {
        **wallet.model_dump(include={"id", "org_id", "currency", "name", "low_balance", "revision"}),
        "currency": wallet.currency.value,
        "top_up_below": automatic.below if automatic is not None else None,
        "top_up_amount": automatic.amount if automatic is not None else None,
    }


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Enumerations as the text that they are."""
    return {name: str(value) if isinstance(value, str) else value for name, value in row.items()}
