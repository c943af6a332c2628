"""How functions log in to PostgreSQL: with passwords, or as their roles alone with tokens of IAM."""

import json
from typing import Any

import pytest

from local.aws.platform import PlatformReader
from local.aws.secrets import SecretFile
from local.aws.template import Template, Tree
from tests.template.conftest import Deployed, Resources, of_type

STORES = {
    "DatabaseAuth": "iam",
    "DatabaseResourceId": "prx-0123456789abcdef0",
    "RedisUrlSecretArn": "arn:of:redis",
    "MongodbUriSecretArn": "arn:of:mongodb",
    "SesConfigurationSet": "mails",  # with which there is one more function
}
_OF_STORES = {"REDIS_URL_SECRET", "MONGODB_URI_SECRET"}


@pytest.fixture(scope="module")
def environments(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Each function's environment, once the parameters are those of the stores' stack."""
    secrets = SecretFile(tmp_path_factory.mktemp("auth") / "secrets.json")
    deployed = Deployed(template, STORES, endpoint_url="", secret_file=secrets)
    functions = PlatformReader(template, deployed, "http://127.0.0.1").read().functions
    return {name: dict(function.environment) for name, function in functions.items()}


def _log_ins(transformed: Resources) -> dict[str, dict[str, Any]]:
    """The statement with which a function logs in, by the function's role."""
    found = {}
    for name, role in of_type(transformed, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy.get("PolicyDocument", {}).get("Statement", []):
                if statement.get("Sid") == "LogsIn":
                    assert name not in found
                    found[name] = statement
    return found


def test_with_tokens_no_function_is_told_of_a_password(environments: dict[str, dict[str, str]]) -> None:
    of_databases = {name: env for name, env in environments.items() if "DATABASE_USER" in env}
    assert len(of_databases) > 20
    assert {environment["DATABASE_PASSWORD_SECRET"] for environment in of_databases.values()} == {""}
    passwords = json.loads(environments["MigrateFunction"]["ROLE_PASSWORD_SECRETS"])
    roles = {env["DATABASE_USER"] for env in of_databases.values()} - {"llmo_owner"}
    assert passwords == dict.fromkeys(roles, "")


def test_with_tokens_a_function_logs_in_as_its_role_alone(
    environments: dict[str, dict[str, str]], transformed: Resources, document: dict[str, Tree]
) -> None:
    log_ins = _log_ins(transformed)
    assert log_ins.keys() == {f"{name}Role" for name, env in environments.items() if "DATABASE_USER" in env}
    for role, statement in log_ins.items():
        action, resource = statement["Action"]["Fn::If"], statement["Resource"]["Fn::If"]
        assert action == ["ByPassword", "secretsmanager:GetSecretValue", "rds-db:connect"]
        user = document["Resources"][role.removesuffix("Role")]["Properties"]["Environment"]["Variables"][
            "DATABASE_USER"
        ]
        name = user if isinstance(user, str) else "${DatabaseOwner}"
        assert resource[2]["Fn::Sub"].endswith(f":dbuser:${{DatabaseResourceId}}/{name}")
        secret = document["Resources"][resource[1]["Ref"]]
        assert (secret["Condition"], secret["Properties"]["Name"]["Fn::Sub"].rpartition("/")[2]) == (
            "ByPassword",
            "owner" if name == "${DatabaseOwner}" else name.removeprefix("llmo_"),
        )


def test_the_stores_own_secrets_are_read_where_there_are_some(
    environments: dict[str, dict[str, str]], template: Template
) -> None:
    told = {(name, env[name]) for env in environments.values() for name in env if name in _OF_STORES}
    assert told == {("REDIS_URL_SECRET", "arn:of:redis"), ("MONGODB_URI_SECRET", "arn:of:mongodb")}
    assert template.resources["RedisUrlSecret"]["Condition"] == "HasRedisUrl"
    assert template.resources["MongodbUriSecret"]["Condition"] == "HasMongodbUri"


def test_tokens_need_to_know_what_they_are_for(document: dict[str, Tree]) -> None:
    (rule,) = document["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "DatabaseAuth"}, "iam"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "DatabaseResourceId"}, ""]}]}
