"""The stack of the stores: nobody from outside reaches them, nothing is unencrypted, nothing is lost by mistake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.aws.intrinsics import Resolver
from local.aws.template import Template, TemplateLoader, Tree, read_template
from tests.template.conftest import Resources, of_type

STORES = Path(__file__).parents[2] / "infrastructure" / "stores.yaml"
EVERYTHING = {
    "Stage": "prod",
    "NatGateways": "3",
    "InterfaceEndpoints": "true",
    "DocumentInstances": "3",
    "BrokerInstanceType": "mq.m7g.medium",
    "BackupCopyVaultArn": "arn:aws:backup:eu-central-1:123456789012:backup-vault:llmo-prod",
}
LEAST = {"Stage": "dev", "NatGateways": "0", "DocumentInstances": "0", "DatabaseReader": "false"}
HOLDS_DATA = {
    "AWS::Backup::BackupVault",
    "AWS::AmazonMQ::Broker",
    "AWS::DocDB::DBCluster",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBCluster",
    "AWS::SecretsManager::Secret",
}
# What the application cannot do without, and what has to be told once there is a proxy that takes tokens.
NEEDED = {
    "DatabaseAuth",
    "DatabaseHost",
    "DatabaseName",
    "DatabaseOwner",
    "DatabaseResourceId",
    "DatabaseSslMode",
    "MongodbUriSecretArn",
    "RedisUrlSecretArn",
    "SecurityGroupId",
    "SubnetIds",
}


@pytest.fixture(scope="module")
def written() -> dict[str, Tree]:
    loaded: dict[str, Tree] = yaml.load(STORES.read_text(), TemplateLoader)  # noqa: S506 - it is safe
    return loaded


@pytest.fixture(scope="module")
def resources(written: dict[str, Tree]) -> Resources:
    found: Resources = written["Resources"]
    return found


def deployed(parameters: dict[str, str]) -> set[str]:
    """The resources that there are with these parameters."""
    stores = read_template(STORES)
    resolver = Resolver(stores, parameters, lambda name, attribute: f"{name}.{attribute}")
    return {name for name in stores.resources if resolver.exists(name)}


def statements(node: Tree) -> Iterator[dict[str, Any]]:
    """Every statement of every policy."""
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def many(value: Tree) -> list[Tree]:
    return value if isinstance(value, list) else [value]


def test_only_functions_reach_the_stores_and_the_proxy_alone_the_database(resources: Resources) -> None:
    for group in of_type(resources, "AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group
    let_in = {
        rule["GroupId"]["Ref"]: (rule["SourceSecurityGroupId"]["Ref"], rule["FromPort"], rule["ToPort"])
        for rule in of_type(resources, "AWS::EC2::SecurityGroupIngress").values()
    }
    assert let_in == {
        "ProxyGroup": ("FunctionGroup", 5432, 5432),
        "DatabaseGroup": ("ProxyGroup", 5432, 5432),
        "CacheGroup": ("FunctionGroup", 6379, 6380),
        "DocumentGroup": ("FunctionGroup", 27017, 27017),
        "BrokerGroup": ("FunctionGroup", 5671, 5671),
        "EndpointGroup": ("FunctionGroup", 443, 443),
    }


def test_stores_connect_to_nowhere(resources: Resources) -> None:
    for name, group in of_type(resources, "AWS::EC2::SecurityGroup").items():
        to = {rule["CidrIp"] for rule in group["SecurityGroupEgress"]}
        assert to == ({"0.0.0.0/0"} if name == "FunctionGroup" else {"127.0.0.1/32"}), name
    (egress,) = of_type(resources, "AWS::EC2::SecurityGroupEgress").values()
    assert (egress["GroupId"], egress["DestinationSecurityGroupId"]) == (
        {"Ref": "ProxyGroup"},
        {"Ref": "DatabaseGroup"},
    )


def test_what_holds_data_is_in_subnets_of_three_zones_without_a_way_out(resources: Resources) -> None:
    isolated = [{"Ref": f"IsolatedSubnet{zone}"} for zone in "ABC"]
    for resource_type, name in {
        "AWS::RDS::DBSubnetGroup": "SubnetIds",
        "AWS::DocDB::DBSubnetGroup": "SubnetIds",
        "AWS::RDS::DBProxy": "VpcSubnetIds",
        "AWS::ElastiCache::ServerlessCache": "SubnetIds",
    }.items():
        (properties,) = of_type(resources, resource_type).values()
        assert properties[name] == isolated
    for kind in ("Public", "Private", "Isolated"):
        zones = [resources[f"{kind}Subnet{zone}"]["Properties"]["AvailabilityZone"] for zone in "ABC"]
        assert zones == [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in range(3)]
    ways_out = {route["RouteTableId"]["Ref"] for route in of_type(resources, "AWS::EC2::Route").values()}
    assert "IsolatedRoutes" not in ways_out
    for zone in "ABC":
        association = resources[f"IsolatedAssociation{zone}"]["Properties"]
        assert association["RouteTableId"] == {"Ref": "IsolatedRoutes"}


def test_every_subnet_has_addresses_of_its_own(resources: Resources) -> None:
    subnets = of_type(resources, "AWS::EC2::Subnet")
    assert {subnet["CidrBlock"]["Fn::Select"][0] for subnet in subnets.values()} == set(range(9))
    assert len(subnets) == 9
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets.values())


def test_nothing_is_public(resources: Resources) -> None:
    for resource_type in ("AWS::RDS::DBInstance", "AWS::AmazonMQ::Broker"):
        assert all(one["PubliclyAccessible"] is False for one in of_type(resources, resource_type).values())


def test_all_data_are_encrypted_with_keys_of_ours(resources: Resources) -> None:
    keys = of_type(resources, "AWS::KMS::Key")
    assert all(key["EnableKeyRotation"] for key in keys.values())
    for name, resource in resources.items():
        if resource["Type"] not in HOLDS_DATA - {"AWS::KMS::Key"}:
            continue
        properties = resource["Properties"]
        if "StorageEncrypted" in properties:
            assert properties["StorageEncrypted"] is True
        key = (
            properties.get("KmsKeyId")
            or properties.get("EncryptionKeyArn")
            or properties["EncryptionOptions"]["KmsKeyId"]
        )
        assert key["Fn::GetAtt"][0] in keys, name
    for instance in of_type(resources, "AWS::RDS::DBInstance").values():
        assert instance["PerformanceInsightsKMSKeyId"]["Fn::GetAtt"][0] in keys


def test_everything_speaks_tls(resources: Resources) -> None:
    assert resources["DatabaseParameters"]["Properties"]["Parameters"]["rds.force_ssl"] == "1"
    assert resources["DatabaseProxy"]["Properties"]["RequireTLS"] is True
    assert resources["DocumentParameters"]["Properties"]["Parameters"]["tls"] == "enabled"
    assert resources["CacheUrl"]["Properties"]["SecretString"]["Fn::Sub"].startswith("rediss://")
    assert "tls=true" in resources["DocumentUri"]["Properties"]["SecretString"]["Fn::Sub"][0]


def test_deleting_the_stack_or_replacing_a_resource_keeps_all_data(resources: Resources) -> None:
    for name, resource in resources.items():
        if resource["Type"] in HOLDS_DATA:
            assert resource["DeletionPolicy"] in {"Retain", "Snapshot"}, name
            assert resource["UpdateReplacePolicy"] == resource["DeletionPolicy"], name
    for cluster in ("Database", "Documents"):
        assert resources[cluster]["Properties"]["DeletionProtection"] is True


def test_every_store_can_go_back_35_days_and_copies_go_to_another_region(resources: Resources) -> None:
    assert resources["Database"]["Properties"]["BackupRetentionPeriod"] == 35
    assert resources["Documents"]["Properties"]["BackupRetentionPeriod"] == 35
    assert resources["Cache"]["Properties"]["SnapshotRetentionLimit"] == 35
    (rule,) = resources["BackupPlan"]["Properties"]["BackupPlan"]["BackupPlanRule"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 35}
    condition, (copy,), _ = rule["CopyActions"]["Fn::If"]
    assert (condition, copy["Lifecycle"]) == ("CopiesBackups", {"DeleteAfterDays": 35})
    assert copy["DestinationBackupVaultArn"] == {"Ref": "BackupCopyVaultArn"}
    backed_up = str(resources["BackupSelection"]["Properties"]["BackupSelection"]["Resources"])
    assert "Database" in backed_up
    assert "Documents" in backed_up


def test_nobody_has_a_password_of_postgresql(resources: Resources) -> None:
    database = resources["Database"]["Properties"]
    assert (database["MasterUserAuthenticationType"], database["EnableIAMDatabaseAuthentication"]) == (
        "iam-db-auth",
        True,
    )
    assert "MasterUserPassword" not in database
    proxy = resources["DatabaseProxy"]["Properties"]
    assert (proxy["DefaultAuthScheme"], "Auth" in proxy) == ("IAM_AUTH", False)


def test_the_proxy_logs_in_as_the_applications_roles_and_no_other(
    resources: Resources, document: dict[str, Tree]
) -> None:
    (statement,) = resources["DatabaseProxyRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    roles = {arn["Fn::Sub"].rpartition("/")[2] for arn in statement["Resource"]}
    users = [
        resource["Properties"]["Environment"]["Variables"].get("DATABASE_USER")
        for resource in document["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    assert roles == {user for user in users if isinstance(user, str)} | {"llmo_owner"}


def test_no_policy_allows_everything(written: dict[str, Tree]) -> None:
    found = list(statements(written["Resources"]))
    assert found
    for statement in found:
        for action in many(statement["Action"]):
            assert "*" not in action, statement
        if statement.get("Principal") in ("*", {"AWS": "*"}):
            assert "Condition" in statement or "custom-resource-response" in str(statement["Resource"])


def test_what_watches_the_network_and_the_database_is_kept_and_encrypted(resources: Resources) -> None:
    assert resources["FlowLogs"]["Properties"]["TrafficType"] == "ALL"
    for group in of_type(resources, "AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == {"Ref": "FlowLogDays"}
        assert group["KmsKeyId"] == {"Fn::GetAtt": ["LogKey", "Arn"]}
    for export in ("Database", "Documents"):
        assert resources[export]["Properties"]["EnableCloudwatchLogsExports"]


def test_parameters_choose_what_there_is() -> None:
    all_of_it, least = deployed(EVERYTHING), deployed(LEAST)
    assert {"NatGatewayC", "SqsEndpoint", "DocumentsC", "Broker", "DatabaseSecond"} <= all_of_it
    assert not {"NatGatewayA", "PrivateRouteA", "SqsEndpoint", "Documents", "Broker", "DatabaseSecond"} & least
    assert {"S3Endpoint", "Database", "DatabaseProxy", "Cache", "BackupPlan"} <= least
    assert all_of_it == set(read_template(STORES).resources)


def test_outputs_are_the_applications_parameters(written: dict[str, Tree], template: Template) -> None:
    handed_on = {name for name, output in written["Outputs"].items() if output["Description"].startswith("Parameter:")}
    assert handed_on == NEEDED
    assert handed_on <= template.parameters.keys()
    assert not (written["Outputs"].keys() - handed_on) & template.parameters.keys()


def test_the_tokens_are_for_the_proxy_that_is_told(written: dict[str, Tree]) -> None:
    arn = "arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-0123456789abcdef0"
    value = written["Outputs"]["DatabaseResourceId"]["Value"]
    number, (_, (separator, parts)) = value["Fn::Select"][0], ("Fn::Split", value["Fn::Select"][1]["Fn::Split"])
    assert parts == {"Fn::GetAtt": ["DatabaseProxy", "DBProxyArn"]}
    assert arn.split(separator)[number] == "prx-0123456789abcdef0"
