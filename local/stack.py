"""What the laptop stack runs: the platform of `template.yaml`, as plain values.

`local.aws` makes these from the template and from the addresses of the started servers; `local.runtime`,
`local.front` and `local.triggers` read nothing else. Functions are named by their logical id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmo_messaging.rabbitmq import ConsumerQueue


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One Lambda function, with everything resolved that its worker process needs.

    Attributes:
        logical_id: Its name in the template, and on the command line.
        name: Its name on AWS.
        code_uri: The source folder, e.g. `functions/auth`. It is a package: its parent belongs on `sys.path`.
        handler: `package.module.function`; for a web adapter function a start script relative to the parent
            of `code_uri`, e.g. `integration/gateway/run.sh`.
        layer_paths: The content folders of its layers, in the template's order; each belongs on `sys.path`.
        environment: The complete variables of the template with secrets, addresses and names of this laptop.
            Neither the runtime's own variables (AWS_LAMBDA_*, LAMBDA_TASK_ROOT, …) nor the host's are in it.
        timeout_seconds: One invocation may take this long.
        memory_mb: The configured size; the laptop does not enforce it.
        web_adapter: True when the Lambda Web Adapter starts the handler (exec wrapper `/opt/bootstrap`): an HTTP
            server on 127.0.0.1:$AWS_LWA_PORT instead of a Python handler.
    """

    logical_id: str
    name: str
    code_uri: Path
    handler: str
    layer_paths: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    web_adapter: bool = False


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One method and path of the REST API.

    Attributes:
        method: `GET`, `POST`, …, or `ANY`.
        path: As in API Gateway: `/api/v1/api-keys/{key_id}`, `/v1/{proxy+}`; without the stage.
        function: Logical id of the function that answers.
        authorizer: True when the authorizer must let the request through first.
        streaming: True for `ResponseTransferMode: RESPONSE_STREAM`.
        timeout_seconds: The integration timeout (API Gateway's default is 29 s).
    """

    method: str
    path: str
    function: str
    authorizer: bool
    streaming: bool
    timeout_seconds: float = 29.0


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """An SQS event source mapping.

    Attributes:
        queue_url: The queue that is polled, in the local AWS stand-in.
        queue_arn: The same queue, as `eventSourceARN` names it.
        function: Logical id of the consumer.
        batch_size: At most this many messages in one invocation.
        window_seconds: How long to gather messages before invoking with fewer.
        partial_failures: True for `ReportBatchItemFailures`; otherwise a batch succeeds or fails as a whole.
        visibility_seconds: The queue's visibility timeout.
        dead_letter_url: Where a message goes that failed `max_receive_count` times; None without a redrive policy.
        max_receive_count: 0 without a redrive policy.
    """

    queue_url: str
    queue_arn: str
    function: str
    batch_size: int
    window_seconds: float
    partial_failures: bool
    visibility_seconds: int
    dead_letter_url: str | None
    max_receive_count: int


@dataclass(frozen=True, slots=True)
class RabbitMqTrigger:
    """An event source mapping of Amazon MQ for RabbitMQ.

    Attributes:
        queue: The queue that is consumed.
        broker_arn: The broker, as `eventSourceArn` names it.
        function: Logical id of the consumer.
        batch_size: At most this many messages in one invocation.
        window_seconds: How long to gather messages before invoking with fewer.
    """

    queue: str
    broker_arn: str
    function: str
    batch_size: int
    window_seconds: float


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A schedule that invokes a function, or starts a state machine.

    Attributes:
        target: Logical id of either.
        name: Unique; fires it by hand.
        expression: EventBridge's `rate(1 minute)`, `cron(0 3 * * ? *)` or `at(…)`, in UTC.
        input: The event, as JSON text; None lets the host send the scheduler's default event.
    """

    target: str
    name: str
    expression: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizerSpec:
    """The REST API's REQUEST authorizer.

    Attributes:
        function: Logical id of the authorizer function.
        cache_seconds: A result is reused this long for the same identity; 0 asks every time.
        by_source_ip: Whether a result is reused for the same address only.
        identity_header: The header that is the identity; a request without it is a 401 before any invocation.
    """

    function: str
    cache_seconds: int
    identity_header: str = "Authorization"
    by_source_ip: bool = False


@dataclass(frozen=True, slots=True)
class CorsSpec:
    """The answers to preflight requests, and the origin that error responses of the front door allow."""

    allow_origin: str
    allow_methods: str
    allow_headers: str
    max_age_seconds: int


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What the front door answers itself: headers and a body with `$context.…` variables left in.

    Attributes:
        status: None keeps the status of the case.
        headers: By name.
        content_type: Of the body.
        body: Text.
    """

    status: int | None
    headers: Mapping[str, str]
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class StackSpec:
    """The whole platform.

    Attributes:
        stage: The API's stage name, `requestContext.stage`.
        region: The region that ARNs and AWS_REGION name.
        account_id: The stand-in's account.
        aws_endpoint_url: The local AWS stand-in; already in every function's AWS_ENDPOINT_URL.
        functions: By logical id.
        routes: Most specific first is not promised: the front door decides which route a path takes.
        queue_triggers: The event source mappings of SQS.
        rabbitmq_triggers: The event source mappings of RabbitMQ.
        consumer_queues: The queues that exist where RabbitMQ is the bus.
        schedules: The schedules.
        state_machines: The ARNs of the state machines, by logical id.
        authorizer: None when no route asks for one.
        cors: None when the API does not answer preflight requests.
        binary_media_types: Bodies of these types travel base64 encoded; `*/*` is all of them.
        gateway_responses: By API Gateway's response type: UNAUTHORIZED, ACCESS_DENIED, DEFAULT_5XX, ….
    """

    stage: str
    region: str
    account_id: str
    aws_endpoint_url: str
    functions: Mapping[str, FunctionSpec]
    routes: tuple[RouteSpec, ...]
    queue_triggers: tuple[QueueTrigger, ...] = ()
    rabbitmq_triggers: tuple[RabbitMqTrigger, ...] = ()
    consumer_queues: tuple[ConsumerQueue, ...] = ()
    schedules: tuple[ScheduleSpec, ...] = ()
    state_machines: Mapping[str, str] = field(default_factory=dict)
    authorizer: AuthorizerSpec | None = None
    cors: CorsSpec | None = None
    binary_media_types: tuple[str, ...] = ()
    gateway_responses: Mapping[str, GatewayResponse] = field(default_factory=dict)
