"""The `migrate` function: brings the database to the newest schema, for a deployment or an operator."""

from typing import Any

from llmo_core.cold_starts import Counting
from llmo_core.observability import logger
from llmo_core.secrets import read_secret
from migrate import deployment
from migrate.roles import set_passwords
from migrate.schema import upgrade
from migrate.settings import MigrateSettings


@Counting
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Upgrade the schema and set the service roles' passwords; both are safe to repeat.

    `{}` upgrades and answers `{"from": null, "to": "0001", "applied": ["0001"]}`. `{"dry_run": true}` changes nothing
    and answers the SQL statements in `sql` too, and in `contracting` those by revision that remove or rewrite what was
    there: these run only by `{"allow_contract": true}`, else nothing runs and ContractionRefused is raised. What a
    deployment asks is answered to CloudFormation.
    """
    if deployment.is_request(event):
        deployment.serve(event, lambda allow: _migrate(dry_run=False, allow_contract=allow))
        return {}
    return _migrate(dry_run=bool(event.get("dry_run")), allow_contract=event.get("allow_contract") is True)


def _migrate(*, dry_run: bool, allow_contract: bool) -> dict[str, Any]:
    settings = MigrateSettings.model_validate({})
    conninfo = settings.conninfo()
    passwords = {role: read_secret(secret) for role, secret in settings.role_password_secrets.items()}
    done = upgrade(conninfo, dry_run=dry_run, allow_contract=allow_contract)
    answer = {"from": done.before, "to": done.after, "applied": list(done.applied)}
    if done.sql is not None:
        return {
            **answer,
            "sql": done.sql,
            "contracting": {name: list(found) for name, found in done.contracting.items()},
        }
    set_passwords(conninfo, passwords)
    logger().info("migrated", extra=answer)
    return answer
