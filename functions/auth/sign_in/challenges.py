"""Of whom a second factor is asked, in PostgreSQL."""

from auth.rows import name_in
from auth.sign_in.models import Challenge
from llmo_data.postgres import Database, insert, one

FIND_CHALLENGE = """
    SELECT token_hash, user_id, org_id, amr, wrong_answers, created_at, expires_at
    FROM auth.second_factor_challenges
    WHERE token_hash = %(token_hash)s
    """
COUNT_WRONG_ANSWER = """
    UPDATE auth.second_factor_challenges SET wrong_answers = wrong_answers + 1 WHERE token_hash = %(token_hash)s
    """
END_CHALLENGE = "DELETE FROM auth.second_factor_challenges WHERE token_hash = %(token_hash)s"


class PostgresChallenges:
    """Challenges for a second factor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, challenge: Challenge) -> None:
        """Keep a challenge."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", challenge.user_id)
            row = challenge.model_dump() | {"amr": sorted(challenge.amr)}
            await connection.execute(*insert("auth.second_factor_challenges", row))

    async def shown(self, token_hash: str) -> Challenge | None:
        """The challenge that a token stands for."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", token_hash)
            row = await one(connection, FIND_CHALLENGE, token_hash=token_hash)
        return Challenge(**row) if row is not None else None

    async def count_wrong_answer(self, challenge: Challenge) -> None:
        """Count a wrong answer."""
        await self._change(COUNT_WRONG_ANSWER, challenge)

    async def end(self, challenge: Challenge) -> None:
        """Forget a challenge."""
        await self._change(END_CHALLENGE, challenge)

    async def _change(self, statement: str, challenge: Challenge) -> None:
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", challenge.user_id)
            await connection.execute(statement.encode(), {"token_hash": challenge.token_hash})
