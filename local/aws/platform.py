"""From the template and its made resources to what the laptop stack runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.aws.consumer_queues import consumer_queues
from local.aws.intrinsics import ACCOUNT_ID, REGION, TemplateError, as_text
from local.aws.provision import Provisioner
from local.aws.template import Template, Tree
from local.stack import (
    AuthorizerSpec,
    CorsSpec,
    FunctionSpec,
    GatewayResponse,
    QueueTrigger,
    RabbitMqTrigger,
    RouteSpec,
    ScheduleSpec,
    StackSpec,
)

_FUNCTION = "AWS::Serverless::Function"
_STATE_MACHINE = "AWS::Serverless::StateMachine"
_WEB_ADAPTER = "/opt/bootstrap"
_DEFAULT_INTEGRATION_SECONDS = 29.0
_OF_THE_API = ("StageName", "BinaryMediaTypes", "Cors", "Auth", "GatewayResponses")


@dataclass(frozen=True, slots=True)
class _Event:
    function: str
    name: str
    type: str
    properties: Mapping[str, Tree]


class PlatformReader:
    """Reads the functions, routes and triggers of a template whose resources a provisioner makes.

    Args:
        template: The template.
        provisioner: Resolves its values.
        endpoint_url: The AWS stand-in, which every function is told about.
    """

    def __init__(self, template: Template, provisioner: Provisioner, endpoint_url: str) -> None:
        self._template = template
        self._provisioner = provisioner
        self._resolve = provisioner.resolver.resolve
        self._endpoint_url = endpoint_url

    def read(self) -> StackSpec:
        """The whole platform. Raises TemplateError."""
        name, api = self._api()
        responses = {kind: _response(value) for kind, value in api.get("GatewayResponses", {}).items()}
        return StackSpec(
            stage=api["StageName"],
            region=REGION,
            account_id=ACCOUNT_ID,
            aws_endpoint_url=self._endpoint_url,
            functions={function: self._function(function) for function in self._functions()},
            routes=tuple(self._route(event, api) for event in self._events("Api")),
            queue_triggers=tuple(self._queue_trigger(event) for event in self._events("SQS")),
            rabbitmq_triggers=tuple(self._rabbitmq_triggers()),
            consumer_queues=tuple(consumer_queues(self._template, self._provisioner.resolver)),
            schedules=tuple(self._schedules()),
            state_machines={
                machine: self._provisioner.attribute(machine, "Arn")
                for machine in self._template.of_type(_STATE_MACHINE)
            },
            authorizer=self._authorizer(name, api),
            cors=_cors(api.get("Cors")),
            binary_media_types=tuple(kind.replace("~1", "/") for kind in api.get("BinaryMediaTypes", [])),
            gateway_responses=responses,
        )

    def _functions(self) -> dict[str, Mapping[str, Tree]]:
        """Those whose condition holds."""
        holds = self._provisioner.resolver.exists
        return {name: raw for name, raw in self._template.of_type(_FUNCTION).items() if holds(name)}

    def _function(self, logical_id: str) -> FunctionSpec:
        raw = {**self._template.function_defaults, **self._template.of_type(_FUNCTION)[logical_id]}
        defaults = self._template.function_defaults.get("Environment", {}).get("Variables", {})
        own = raw.get("Environment", {}).get("Variables", {})
        environment = {name: as_text(value) for name, value in self._resolve({**defaults, **own}).items()}
        return FunctionSpec(
            logical_id=logical_id,
            name=self._resolve(raw["FunctionName"]),
            code_uri=self._template.folder / raw["CodeUri"],
            handler=raw["Handler"],
            layer_paths=tuple(self._layer_paths(raw.get("Layers", []))),
            environment={**environment, "AWS_ENDPOINT_URL": self._endpoint_url},
            timeout_seconds=int(self._resolve(raw.get("Timeout", 3))),
            memory_mb=int(self._resolve(raw.get("MemorySize", 128))),
            web_adapter=environment.get("AWS_LAMBDA_EXEC_WRAPPER") == _WEB_ADAPTER,
        )

    def _layer_paths(self, layers: list[Tree]) -> Iterator[Path]:
        """The content folders of the template's own layers; a layer that is named by its ARN has none here."""
        own = self._template.of_type("AWS::Serverless::LayerVersion")
        for layer in layers:
            if isinstance(layer, dict) and layer.get("Ref") in own:
                yield self._template.folder / own[layer["Ref"]]["ContentUri"]

    def _events(self, *types: str) -> Iterator[_Event]:
        for function, properties in self._functions().items():
            for name, event in properties.get("Events", {}).items():
                if event["Type"] in types:
                    yield _Event(function, name, event["Type"], event.get("Properties", {}))

    def _api(self) -> tuple[str | None, dict[str, Tree]]:
        """The name of the default authorizer and the properties of the only API."""
        apis = list(self._template.of_type("AWS::Serverless::Api").values())
        if len(apis) != 1:
            raise TemplateError(f"The laptop stack serves one AWS::Serverless::Api, the template has {len(apis)}")
        # What is left out, such as access logs, refers to what is not made on a laptop.
        api: dict[str, Tree] = self._resolve({name: apis[0][name] for name in _OF_THE_API if name in apis[0]})
        return api.get("Auth", {}).get("DefaultAuthorizer"), api

    def _route(self, event: _Event, api: Mapping[str, Tree]) -> RouteSpec:
        properties = self._resolve(dict(event.properties))
        default = api.get("Auth", {}).get("DefaultAuthorizer", "NONE")
        milliseconds = properties.get("TimeoutInMillis")
        return RouteSpec(
            method=properties["Method"].upper(),
            path=properties["Path"],
            function=event.function,
            authorizer=properties.get("Auth", {}).get("Authorizer", default) != "NONE",
            streaming=properties.get("ResponseTransferMode") == "RESPONSE_STREAM",
            timeout_seconds=milliseconds / 1000 if milliseconds else _DEFAULT_INTEGRATION_SECONDS,
        )

    def _authorizer(self, name: str | None, api: Mapping[str, Tree]) -> AuthorizerSpec | None:
        if name is None:
            return None
        authorizer = api["Auth"]["Authorizers"][name]
        identity = authorizer.get("Identity", {})
        return AuthorizerSpec(
            function=authorizer["FunctionArn"].rpartition(":")[2],
            cache_seconds=int(identity.get("ReauthorizeEvery", 300)),
            identity_header=identity.get("Headers", ["Authorization"])[0],
            by_source_ip="identity.sourceIp" in identity.get("Context", []),
        )

    def _queue_trigger(self, event: _Event) -> QueueTrigger:
        properties = self._resolve(dict(event.properties))
        arns = {
            self._provisioner.attribute(name, "Arn"): name
            for name in self._template.of_type("AWS::SQS::Queue")
            if self._provisioner.resolver.exists(name)
        }
        queue = self._resolve(dict(self._template.of_type("AWS::SQS::Queue")[arns[properties["Queue"]]]))
        redrive = queue.get("RedrivePolicy", {})
        dead = redrive.get("deadLetterTargetArn")
        return QueueTrigger(
            queue_url=self._provisioner.attribute(arns[properties["Queue"]], "Ref"),
            queue_arn=properties["Queue"],
            function=event.function,
            batch_size=int(properties.get("BatchSize", 10)),
            window_seconds=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            visibility_seconds=int(queue.get("VisibilityTimeout", 30)),
            dead_letter_url=self._provisioner.attribute(arns[dead], "Ref") if dead else None,
            max_receive_count=int(redrive.get("maxReceiveCount", 0)),
        )

    def _rabbitmq_triggers(self) -> Iterator[RabbitMqTrigger]:
        for logical_id, raw in self._template.of_type("AWS::Lambda::EventSourceMapping").items():
            if not self._provisioner.resolver.exists(logical_id):
                continue
            properties = self._resolve(dict(raw))
            (queue,) = properties["Queues"]
            yield RabbitMqTrigger(
                queue=queue,
                broker_arn=properties["EventSourceArn"],
                function=properties["FunctionName"],
                batch_size=int(properties.get("BatchSize", 100)),
                window_seconds=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            )

    def _schedules(self) -> Iterator[ScheduleSpec]:
        """Those of functions and of state machines."""
        for event in self._events("Schedule", "ScheduleV2"):
            yield self._schedule(event)
        for machine, properties in self._template.of_type(_STATE_MACHINE).items():
            for name, event in properties.get("Events", {}).items():
                yield self._schedule(_Event(machine, name, event["Type"], event.get("Properties", {})))

    def _schedule(self, event: _Event) -> ScheduleSpec:
        properties = self._resolve(dict(event.properties))
        return ScheduleSpec(
            target=event.function,
            name=properties.get("Name", f"{event.function}{event.name}"),
            expression=properties.get("ScheduleExpression") or properties["Schedule"],
            input=properties.get("Input"),
        )


def _cors(cors: Mapping[str, Tree] | None) -> CorsSpec | None:
    if cors is None:
        return None
    return CorsSpec(
        allow_origin=_static(cors["AllowOrigin"]),
        allow_methods=_static(cors["AllowMethods"]),
        allow_headers=_static(cors["AllowHeaders"]),
        max_age_seconds=int(_static(cors.get("MaxAge", "'0'"))),
    )


def _response(response: Mapping[str, Tree]) -> GatewayResponse:
    content_type, body = next(iter(response["ResponseTemplates"].items()))
    headers = response.get("ResponseParameters", {}).get("Headers", {})
    return GatewayResponse(
        status=int(response["StatusCode"]) if "StatusCode" in response else None,
        headers={name: _static(value) for name, value in headers.items()},
        content_type=content_type,
        body=body,
    )


def _static(value: str) -> str:
    """API Gateway's mapping expression: a static value stands in single quotes, `context.…` becomes `$context.…`."""
    return value[1:-1] if value.startswith("'") else f"${value}"
