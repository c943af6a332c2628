"""Makes the template's resources in the AWS stand-in, and knows their names and ARNs afterwards."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from local.aws.client import stand_in_client
from local.aws.intrinsics import ACCOUNT_ID, REGION, Resolver, TemplateError, as_text
from local.aws.moto_keys import MATERIAL_TAG
from local.aws.secrets import SecretFile
from local.aws.statemachines import definition, make_state_machine
from local.aws.template import Template, Tree

type Attributes = Mapping[str, str]
"""A made resource: `Ref` and the attributes that `Fn::GetAtt` may ask for."""

_AWS_ONLY = {"Logging", "Policies", "Tracing"}  # of state machines; they name what the stand-in has not
_KEY_TAG = "llmo:logical-id"


class Provisioner:
    """Makes resources on demand: each one when it is first referred to, so that the order follows from the template.

    Making the same resource again, in a server that has it already, changes nothing.

    Args:
        template: The template.
        parameters: Values of its parameters.
        endpoint_url: The AWS stand-in.
        secret_file: Keeps generated secrets between starts.
        secret_values: Secrets by logical id whose value is given, not generated.
    """

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, str],
        *,
        endpoint_url: str,
        secret_file: SecretFile,
        secret_values: Mapping[str, str] | None = None,
    ) -> None:
        self._template = template
        self._endpoint_url = endpoint_url
        self._secret_file = secret_file
        self._secret_values = secret_values or {}
        self._made: dict[str, Attributes] = {}
        self._clients: dict[str, Any] = {}
        self.resolver = Resolver(template, parameters, self.attribute)
        self._makers: dict[str, Callable[[str, dict[str, Tree]], Attributes]] = {
            "AWS::Events::EventBus": self._make_bus,
            "AWS::Events::Rule": self._make_rule,
            "AWS::KMS::Alias": self._make_alias,
            "AWS::KMS::Key": self._make_key,
            "AWS::S3::Bucket": self._make_bucket,
            "AWS::SNS::Topic": self._make_topic,
            "AWS::SQS::Queue": self._make_queue,
            "AWS::SecretsManager::Secret": self._make_secret,
            "AWS::Serverless::StateMachine": self._make_state_machine,
        }

    def provision(self) -> None:
        """Make every resource that the stand-in has a place for. Raises TemplateError."""
        for logical_id, resource in self._template.resources.items():
            if resource["Type"] in self._makers and self.resolver.exists(logical_id):
                self._ensure(logical_id)

    def attribute(self, logical_id: str, name: str) -> str:
        """A resource's attribute, or its reference when `name` is `Ref`. Raises TemplateError."""
        attributes = self._ensure(logical_id)
        if name not in attributes:
            raise TemplateError(f"{logical_id} has no attribute {name} on the laptop")
        return attributes[name]

    def _ensure(self, logical_id: str) -> Attributes:
        if logical_id not in self._made:
            resource = self._template.resources.get(logical_id)
            if resource is None:
                raise TemplateError(f"The template has no resource {logical_id}")
            self._made[logical_id] = self._make(logical_id, resource)
        return self._made[logical_id]

    def _make(self, logical_id: str, resource: Mapping[str, Tree]) -> Attributes:
        if maker := self._makers.get(resource["Type"]):
            properties = {
                name: value for name, value in resource.get("Properties", {}).items() if name not in _AWS_ONLY
            }
            return maker(logical_id, self.resolver.resolve(properties))
        if resource["Type"] == "AWS::Serverless::Function":
            return {"Ref": logical_id, "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{logical_id}"}
        return {"Ref": logical_id}  # runs nowhere on a laptop: layers, log groups, alarms, the API

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        if service not in self._clients:
            self._clients[service] = stand_in_client(
                service, self._endpoint_url, retries={"max_attempts": 3}, connect_timeout=5, read_timeout=30
            )
        return self._clients[service]

    def _make_bus(self, _: str, properties: dict[str, Tree]) -> Attributes:
        events, name = self._client("events"), properties["Name"]
        try:
            arn = events.create_event_bus(Name=name)["EventBusArn"]
        except events.exceptions.ResourceAlreadyExistsException:
            arn = events.describe_event_bus(Name=name)["Arn"]
        return {"Ref": name, "Name": name, "Arn": arn}

    def _make_rule(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        events, name = self._client("events"), properties.get("Name", logical_id)
        bus = properties.get("EventBusName", "default")
        pattern = json.dumps(properties["EventPattern"])
        arn = events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
        events.put_targets(Rule=name, EventBusName=bus, Targets=properties["Targets"])
        return {"Ref": name, "Arn": arn}

    def _make_queue(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        name = properties.get("QueueName", logical_id)
        unsupported = {"QueueName", "Tags"}
        settings = {
            key: json.dumps(value) if isinstance(value, dict) else as_text(value)
            for key, value in properties.items()
            if key not in unsupported
        }
        sqs = self._client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes=settings)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return {"Ref": url, "QueueName": name, "QueueUrl": url, "Arn": arn}

    def _make_secret(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        client, name = self._client("secretsmanager"), properties.get("Name", logical_id)
        value = self._secret_value(logical_id, properties)
        try:
            arn = client.create_secret(Name=name, SecretString=value)["ARN"]
        except client.exceptions.ResourceExistsException:
            arn = client.put_secret_value(SecretId=name, SecretString=value)["ARN"]
        return {"Ref": arn, "Id": arn}

    def _secret_value(self, logical_id: str, properties: dict[str, Tree]) -> str:
        if logical_id in self._secret_values:
            return self._secret_values[logical_id]
        if generate := properties.get("GenerateSecretString"):
            return self._secret_file.value(logical_id, int(generate.get("PasswordLength", 32)))
        return str(properties["SecretString"])

    def _make_key(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        kms = self._client("kms")
        for key in kms.list_keys()["Keys"]:
            tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
            if {"TagKey": _KEY_TAG, "TagValue": logical_id} in tags:
                return {"Ref": key["KeyId"], "KeyId": key["KeyId"], "Arn": key["KeyArn"]}
        tags = {_KEY_TAG: logical_id, MATERIAL_TAG: self._secret_file.value(logical_id)}
        made = kms.create_key(
            Description=properties.get("Description", ""),
            Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()],
        )["KeyMetadata"]
        return {"Ref": made["KeyId"], "KeyId": made["KeyId"], "Arn": made["Arn"]}

    def _make_alias(self, _: str, properties: dict[str, Tree]) -> Attributes:
        kms, name = self._client("kms"), properties["AliasName"]
        if name not in {alias["AliasName"] for alias in kms.list_aliases()["Aliases"]}:
            kms.create_alias(AliasName=name, TargetKeyId=properties["TargetKeyId"])
        return {"Ref": name}

    def _make_state_machine(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        name = properties.get("Name", logical_id)
        asl = definition(self._template.folder, properties)
        arn = make_state_machine(self._client("stepfunctions"), name, asl, properties.get("Type", "STANDARD"))
        return {"Ref": arn, "Arn": arn, "Name": name}

    def _make_bucket(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        s3, name = self._client("s3"), properties.get("BucketName", logical_id.lower())
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}

    def _make_topic(self, logical_id: str, properties: dict[str, Tree]) -> Attributes:
        name = properties.get("TopicName", logical_id)
        arn = self._client("sns").create_topic(Name=name)["TopicArn"]
        return {"Ref": arn, "TopicArn": arn, "TopicName": name}
