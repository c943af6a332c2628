"""What an operator and a security review ask of the stack, of the template as CloudFormation gets it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from local.aws.template import Template, Tree
from tests.template.conftest import Resources, of_type

MANAGED_POLICIES = {
    "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
}
ANY_RESOURCE = {
    "DataKey": "in a key policy, `*` is the key itself",
    "UpgradeStateMachineRole": "deliveries of logs have no ARN",
    "InvoiceRunStateMachineRole": "as of the one before",
    "DunningStateMachineRole": "as of the one before",
    "RefundStateMachineRole": "as of the one before",
    "SubscriptionChangeStateMachineRole": "as of the one before",
    "AnalyticsApiFunctionRole": "reading CloudWatch's metrics has no resources",
    "DeferredFunctionRole": "as of the next one",
    "ContentsFunctionRole": "as of the next one",
    "TracingFunctionRole": "as of the next one",
    "WebhooksFunctionRole": "as of the next one",
    "BillingUsageFunctionRole": "as of the next one",
    "BillingEventsFunctionRole": "as of the next one",
    "BillingTermsFunctionRole": "as of the next one",
    "EmailSenderFunctionRole": "as of the next one",
    "NotificationPlannerFunctionRole": "as of the next one",
    "PushSenderFunctionRole": "as of the next one",
    "SmsSenderFunctionRole": "as of the next one; and numbers have no ARN",
    "AnalyticsFilesFunctionRole": "as of the next one",
    "AnalyticsConsumerFunctionRole": "where RabbitMQ is the bus: network interfaces have no ARN before they exist",
}
ANYBODY = {("DataKey", "WhoMayUseQueuesAndClaimsMayUseTheirKey"): "of this account, through SQS or S3 only"}
VISIBILITY_FACTOR = 6
NOT_OF_THE_BUS = {
    "SesReceiptsQueue": "SES tells by the account's own bus",
    "StripeEventsQueue": "StripeWebhookFunction sends to it",
}
ON_RABBITMQ = {"UsesRabbitmq", "ExportsTracesFromRabbitmq"}


def _statements(resources: Resources) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy statement that allows something, with the logical id of what holds it."""

    def walk(value: Tree) -> Iterator[dict[str, Any]]:
        if isinstance(value, list):
            for item in value:
                yield from walk(item)
        elif isinstance(value, dict):
            if value.get("Effect") == "Allow" and ("Action" in value or "NotAction" in value):
                yield value
            for item in value.values():
                yield from walk(item)

    for name, resource in resources.items():
        for statement in walk(resource.get("Properties", {})):
            yield name, statement


def _list(value: Tree) -> list[Tree]:
    return value if isinstance(value, list) else [value]


def test_no_statement_allows_a_wildcard_action(transformed: Resources) -> None:
    statements = list(_statements(transformed))
    assert len(statements) > len(of_type(transformed, "AWS::IAM::Role"))
    for name, statement in statements:
        assert "NotAction" not in statement, name
        assert not [action for action in _list(statement["Action"]) if "*" in action], name


def test_every_wildcard_resource_has_its_reason(transformed: Resources) -> None:
    wild = {name for name, statement in _statements(transformed) if "*" in _list(statement.get("Resource", []))}
    assert wild == ANY_RESOURCE.keys()


def test_every_wildcard_principal_has_its_reason_and_a_condition(transformed: Resources) -> None:
    wild = [
        (name, statement)
        for name, statement in _statements(transformed)
        if "*" in json.dumps(statement.get("Principal", ""))
    ]
    assert {(name, statement["Sid"]) for name, statement in wild} == ANYBODY.keys()
    assert all("kms:CallerAccount" in statement["Condition"]["StringEquals"] for _, statement in wild)


def test_no_role_has_a_managed_policy_but_these(transformed: Resources) -> None:
    attached = {
        arn["Fn::Sub"] if isinstance(arn, dict) else arn
        for role in of_type(transformed, "AWS::IAM::Role").values()
        for arn in role.get("ManagedPolicyArns", [])
    }
    assert attached == MANAGED_POLICIES


def _dead_letter_queues(transformed: Resources) -> set[str]:
    """Logical ids of the queues that take what others could not deliver."""
    found: set[str] = set()

    def walk(value: Tree) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            targets = [value.get("deadLetterTargetArn"), value.get("DeadLetterConfig", {}).get("Arn")]
            targets.append(value.get("OnFailure", {}).get("Destination"))
            found.update(target["Fn::GetAtt"][0] for target in targets if target)
            for item in value.values():
                walk(item)

    walk([resource.get("Properties", {}) for resource in transformed.values()])
    return found


def test_every_queue_has_a_dead_letter_queue_or_is_one(transformed: Resources) -> None:
    dead = _dead_letter_queues(transformed)
    queues = of_type(transformed, "AWS::SQS::Queue")
    assert dead <= queues.keys()
    for name, queue in queues.items():
        assert name in dead or queue["RedrivePolicy"]["maxReceiveCount"] >= 2, name


def test_every_target_of_a_rule_or_schedule_retries_and_then_keeps_the_event(transformed: Resources) -> None:
    rules = of_type(transformed, "AWS::Events::Rule").values()
    schedules = of_type(transformed, "AWS::Scheduler::Schedule").values()
    targets = [target for rule in rules for target in rule["Targets"]] + [entry["Target"] for entry in schedules]
    assert len(targets) >= 2
    for target in targets:
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in _dead_letter_queues(transformed)
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


def test_a_batch_outlives_its_consumer_and_fails_message_by_message(transformed: Resources) -> None:
    functions, queues = of_type(transformed, "AWS::Lambda::Function"), of_type(transformed, "AWS::SQS::Queue")
    mappings = of_type(transformed, "AWS::Lambda::EventSourceMapping").values()
    of_sqs = [mapping for mapping in mappings if "Queues" not in mapping]
    assert of_sqs
    for mapping in of_sqs:
        timeout = functions[mapping["FunctionName"]["Ref"]]["Timeout"]
        visibility = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["VisibilityTimeout"]
        assert visibility >= VISIBILITY_FACTOR * timeout
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_secrets_queues_logs_and_alarms_are_encrypted_with_the_stacks_key(transformed: Resources) -> None:
    keys = {
        "AWS::SecretsManager::Secret": "KmsKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",  # of state machines; functions' are in `infrastructure/observability.yaml`
    }
    for resource_type, property_name in keys.items():
        resources = of_type(transformed, resource_type)
        assert resources
        for name, properties in resources.items():
            assert properties[property_name] in ({"Ref": "DataKey"}, {"Fn::GetAtt": ["DataKey", "Arn"]}), name
    assert of_type(transformed, "AWS::KMS::Key")["DataKey"]["EnableKeyRotation"] is True


def test_no_bucket_is_public_unencrypted_or_kept_for_ever(transformed: Resources) -> None:
    buckets = of_type(transformed, "AWS::S3::Bucket")
    assert buckets
    tls_only = {
        policy["Bucket"]["Ref"]
        for policy in of_type(transformed, "AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    for name, bucket in buckets.items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": ["DataKey", "Arn"]}, name
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert any("ExpirationInDays" in rule for rule in bucket["LifecycleConfiguration"]["Rules"]), name
        assert name in tls_only


def test_no_secret_stands_in_the_template(document: dict[str, Tree]) -> None:
    for name, resource in document["Resources"].items():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            properties = resource["Properties"]
            value = properties.get("SecretString")
            generated = "GenerateSecretString" in properties
            empty = value == "{}"  # until a function gives it its value
            assert generated or empty or document["Parameters"][value["Ref"]]["NoEcho"] is True, name


def test_every_parameter_and_condition_is_used(document: dict[str, Tree], template: Template) -> None:
    text = json.dumps({name: part for name, part in document.items() if name != "Parameters"})
    for name in template.parameters:
        assert f'"Ref": "{name}"' in text or f"${{{name}}}" in text, name
    for name in template.conditions:
        assert f'"Fn::If": ["{name}"' in text or f'"Condition": "{name}"' in text, name


def test_every_queue_that_a_function_consumes_is_consumed_on_rabbitmq_too(
    transformed: Resources, document: dict[str, Tree]
) -> None:
    mappings = of_type(transformed, "AWS::Lambda::EventSourceMapping")
    on_rabbitmq = {name for name, mapping in mappings.items() if "Queues" in mapping}
    assert {document["Resources"][name]["Condition"] for name in on_rabbitmq} == ON_RABBITMQ

    def consumed(queue: Tree, function: Tree) -> tuple[str, str]:
        return str(queue["Fn::GetAtt"][0]), str(function["Ref"])

    on_sqs = [mapping for name, mapping in mappings.items() if name not in on_rabbitmq]
    of_the_bus = {consumed(mapping["EventSourceArn"], mapping["FunctionName"]) for mapping in on_sqs}
    assert {(queue, function) for queue, function in of_the_bus if queue not in NOT_OF_THE_BUS} == {
        consumed(queue, mappings[name]["FunctionName"]) for name in on_rabbitmq for queue in mappings[name]["Queues"]
    }


def test_what_rabbitmq_needs_is_made_only_where_it_is_the_bus(document: dict[str, Tree]) -> None:
    for name, resource in document["Resources"].items():
        if "abbitmq" in name:
            assert resource["Condition"] in ON_RABBITMQ, name


def test_every_state_machine_is_traced_and_logged_and_retries_or_catches(
    transformed: Resources, template: Template
) -> None:
    machines = of_type(transformed, "AWS::StepFunctions::StateMachine")
    assert machines
    for name, machine in machines.items():
        assert machine["TracingConfiguration"] == {"Enabled": True}, name
        assert machine["LoggingConfiguration"]["Level"] == "ALL", name
        source = template.of_type("AWS::Serverless::StateMachine")[name]
        text = (template.folder / source["DefinitionUri"]).read_text()
        assert set(re.findall(r"\$\{(\w+)\}", text)) == source["DefinitionSubstitutions"].keys(), name
        assert not re.search(r"[:-] +[&*]\w|<<:", text), f"{name}: AWS takes no YAML aliases"
        assert "arn:aws:" not in text, name
        for state, definition in yaml.safe_load(text)["States"].items():
            assert definition["Type"] != "Task" or "Retry" in definition or "Catch" in definition, (name, state)


def test_without_a_collector_nothing_of_tracing_is_deployed(document: dict[str, Tree]) -> None:
    of_tracing = {name: each for name, each in document["Resources"].items() if name.startswith(("Tracing", "Otlp"))}
    assert len(of_tracing) >= 7
    for name, resource in of_tracing.items():
        assert resource["Condition"] in {"ExportsTraces", "ExportsTracesFromRabbitmq"}, name
    assert document["Parameters"]["OtlpEndpoint"]["Default"] == ""
    assert document["Conditions"]["ExportsTraces"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "OtlpEndpoint"}, ""]}]}


def test_without_a_configuration_set_nothing_of_ses_is_deployed(document: dict[str, Tree]) -> None:
    of_ses = {name: each for name, each in document["Resources"].items() if name.startswith("Ses")}
    assert len(of_ses) == 6
    assert {resource["Condition"] for resource in of_ses.values()} == {"TellsOfMailsBySes"}
    assert document["Parameters"]["SesConfigurationSet"]["Default"] == ""
    assert document["Conditions"]["TellsOfMailsBySes"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "SesConfigurationSet"}, ""]}]
    }


def test_ses_is_told_to_tell_of_what_is_listened_to(document: dict[str, Tree]) -> None:
    destination = document["Resources"]["SesEventDestination"]["Properties"]["EventDestination"]
    pattern = document["Resources"]["SesReceiptsRule"]["Properties"]["EventPattern"]
    told = {
        "send": "Email Sent",
        "delivery": "Email Delivered",
        "deliveryDelay": "Email Delivery Delayed",
        "bounce": "Email Bounced",
        "complaint": "Email Complaint Received",
        "reject": "Email Rejected",
    }
    assert [told[kind] for kind in destination["MatchingEventTypes"]] == pattern["detail-type"]
    assert "EventBusName" not in document["Resources"]["SesReceiptsRule"]["Properties"]
