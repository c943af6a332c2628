"""How a deployment goes: first the schema, then the code, its traffic little by little, and back upon alarms."""

from typing import Any

from local.aws.template import Tree
from tests.template.conftest import Resources, of_type

REFUSING = {"AuthorizerFunction"}  # by failing: whoever has no token could take a deployment back


def _aliases(transformed: Resources) -> dict[str, Any]:
    return {alias["FunctionName"]["Ref"]: alias for alias in of_type(transformed, "AWS::Lambda::Alias").values()}


def _of_the_api(document: dict[str, Tree]) -> set[str]:
    """Functions that answer requests but for streams of news, and the one that lets requests in."""
    answering = {
        name
        for name, resource in document["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        and any(event["Type"] == "Api" for event in resource["Properties"].get("Events", {}).values())
    }
    streams = {name for name in answering if "Live" in name}
    return (answering - streams) | {"AuthorizerFunction"}


def test_what_answers_requests_has_an_alias_whose_traffic_shifts_and_shifts_back(
    transformed: Resources, document: dict[str, Tree]
) -> None:
    aliases = _aliases(transformed)
    assert aliases.keys() == _of_the_api(document)
    groups = of_type(transformed, "AWS::CodeDeploy::DeploymentGroup")
    for function in aliases:
        group = groups[f"{function}DeploymentGroup"]
        watched = [alarm["Name"]["Fn::GetAtt"][1] for alarm in group["AlarmConfiguration"]["Alarms"]]
        own = [] if function in REFUSING else [f"Outputs.{function.removesuffix('Function')}Errors"]
        assert watched == [*own, "Outputs.Availability"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        policy = transformed[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{function}DeploymentGroup"}


def test_what_a_deployment_watches_is_an_alarm_that_there_is(
    observability: dict[str, Tree], transformed: Resources
) -> None:
    alarms = {alarm["AlarmName"] for alarm in of_type(observability["Resources"], "AWS::CloudWatch::Alarm").values()}
    for function in _aliases(transformed).keys() - REFUSING:
        assert observability["Outputs"][f"{function.removesuffix('Function')}Errors"]["Value"] in alarms
    availability = observability["Resources"][observability["Outputs"]["Availability"]["Value"]["Ref"]]
    assert availability["Properties"]["AlarmName"] in alarms


def test_the_api_calls_the_aliases_and_nothing_besides(transformed: Resources) -> None:
    callers = [
        permission["FunctionName"]["Ref"]
        for permission in of_type(transformed, "AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    unaliased = {name for name in callers if not name.endswith("Aliaslive")}
    assert unaliased == {"LiveFunction", "AnalyticsLiveFunction", "InboxLiveFunction"}


def test_every_function_waits_for_the_migration_and_the_migration_for_no_other(document: dict[str, Tree]) -> None:
    migration = document["Resources"]["Migration"]
    assert migration["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["MigrateFunction", "Arn"]}
    assert migration["Properties"]["Release"] == {"Ref": "Release"}
    assert migration["Properties"]["Contracts"] == {"Ref": "Contracts"}
    for name, resource in document["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function" and name != "MigrateFunction":
            assert resource.get("DependsOn") == "Migration", name


def test_only_what_lambdas_own_runtime_starts_wakes_up_from_snapshots(transformed: Resources) -> None:
    for name, function in of_type(transformed, "AWS::Lambda::Function").items():
        adapted = "AWS_LAMBDA_EXEC_WRAPPER" in function["Environment"]["Variables"]  # hooks of snapshots are not called
        assert ("SnapStart" in function) is (name in _aliases(transformed) and not adapted), name


def test_another_release_is_another_version(transformed: Resources) -> None:
    for function, alias in _aliases(transformed).items():
        version, _ = alias["FunctionVersion"]["Fn::GetAtt"]
        assert version == f"{function}Versionunreleased"
