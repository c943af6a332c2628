"""The platform's own template, made in a real moto server."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.aws.moto import MotoServer
from local.aws.platform import PlatformReader
from local.aws.provision import Provisioner
from local.aws.secrets import SecretFile
from local.aws.template import read_template
from local.stack import QueueTrigger, StackSpec

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
EVENTS = TEMPLATE.parent / "events"


class Aws:
    """A moto server, and the platform made in it."""

    def __init__(self, url: str, state: Path) -> None:
        self.url = url
        self.state = state

    def made(self, **parameters: str) -> tuple[Provisioner, StackSpec]:
        template = read_template(TEMPLATE)
        provisioner = Provisioner(
            template,
            {"Stage": "test", "DatabaseHost": "127.0.0.1", "RedisUrl": "redis://127.0.0.1:1/0", **parameters},
            endpoint_url=self.url,
            secret_file=SecretFile(self.state / "secrets.json"),
            secret_values={"OwnerDatabasePasswordSecret": "given"},
        )
        provisioner.provision()
        return provisioner, PlatformReader(template, provisioner, self.url).read()

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client(service, endpoint_url=self.url, region_name="eu-west-1", **keys)


@pytest.fixture(scope="module")
async def aws(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aws]:
    state = tmp_path_factory.mktemp("aws")
    server = MotoServer(state)
    yield Aws(await server.start(), state)
    await server.stop()


def _trigger(stack: StackSpec, function: str) -> QueueTrigger:
    (trigger,) = (each for each in stack.queue_triggers if each.function == function)
    return trigger


async def test_a_published_usage_event_reaches_the_queue_of_analytics(aws: Aws) -> None:
    _, stack = aws.made()
    detail = {"specversion": "1.0", "type": "llmo.integration.usage.recorded", "data": {"request_id": "r1"}}
    entry = {
        "EventBusName": stack.functions["GatewayFunction"].environment["EVENT_BUS_NAME"],
        "Source": "llmo.integration",
        "DetailType": "llmo.integration.usage.recorded",
        "Detail": json.dumps(detail),
    }
    other = {**entry, "DetailType": "llmo.integration.something.else"}
    assert aws.client("events").put_events(Entries=[entry, other])["FailedEntryCount"] == 0
    trigger = _trigger(stack, "AnalyticsConsumerFunction")
    received = aws.client("sqs").receive_message(QueueUrl=trigger.queue_url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["detail"] for message in received] == [detail]


async def test_making_the_platform_again_changes_nothing(aws: Aws) -> None:
    first, before = aws.made()
    second, after = aws.made()
    assert before == after
    assert first.attribute("DataKey", "Arn") == second.attribute("DataKey", "Arn")
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 40


async def test_a_generated_secret_is_the_same_after_a_restart_and_private(aws: Aws) -> None:
    _, stack = aws.made()
    secret = stack.functions["GatewayFunction"].environment["API_KEY_PEPPER_SECRET"]
    value = aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert len(value) == 48
    assert SecretFile(aws.state / "secrets.json").value("ApiKeyPepperSecret") == value
    assert (aws.state / "secrets.json").stat().st_mode & 0o777 == 0o600


async def test_a_given_secret_and_a_parameter_reach_the_function_by_reference_only(aws: Aws) -> None:
    _, stack = aws.made()
    read = aws.client("secretsmanager").get_secret_value
    migrate = stack.functions["MigrateFunction"].environment
    assert read(SecretId=migrate["DATABASE_PASSWORD_SECRET"])["SecretString"] == "given"
    gateway = stack.functions["GatewayFunction"].environment
    assert read(SecretId=gateway["REDIS_URL_SECRET"])["SecretString"] == "redis://127.0.0.1:1/0"
    assert "redis://127.0.0.1:1/0" not in gateway.values()


async def test_every_role_password_named_for_migrations_can_be_read(aws: Aws) -> None:
    _, stack = aws.made()
    roles = json.loads(stack.functions["MigrateFunction"].environment["ROLE_PASSWORD_SECRETS"])
    assert roles.keys() == {
        "llmo_auth",
        "llmo_integration",
        "llmo_billing",
        "llmo_notification",
        "llmo_authorizer",
        "llmo_relay",
    }
    read = aws.client("secretsmanager").get_secret_value
    assert len({read(SecretId=arn)["SecretString"] for arn in roles.values()}) == 6


async def test_a_message_that_fails_five_times_goes_to_the_dead_letter_queue(aws: Aws) -> None:
    _, stack = aws.made()
    trigger = _trigger(stack, "AnalyticsConsumerFunction")
    assert (trigger.batch_size, trigger.max_receive_count) == (100, 5)
    assert trigger.dead_letter_url is not None
    assert trigger.dead_letter_url.endswith("llmo-test-analytics-usage-dead")
    assert trigger.visibility_seconds >= 6 * stack.functions[trigger.function].timeout_seconds


async def test_the_gateway_streams_and_asks_no_authorizer_and_everything_else_of_the_api_does(aws: Aws) -> None:
    _, stack = aws.made()
    routes = {(route.method, route.path): route for route in stack.routes}
    gateway = routes["ANY", "/v1/{proxy+}"]
    assert (gateway.function, gateway.streaming, gateway.authorizer) == ("GatewayFunction", True, False)
    assert stack.functions["GatewayFunction"].web_adapter
    public = {path for (_, path), route in routes.items() if not route.authorizer}
    services = (
        "auth",
        "analytics",
        "billing",
        "integration",
        "policies/dry-runs",
        "usage",
        "analytics/live",
        "inbox/live",
        "notifications",
    )
    told = {"/unsubscribe/{token}", "/webhooks/sendgrid", "/webhooks/twilio"}
    pages = {"/verify-email", "/reset-password", "/confirm-email", "/invitations"}
    documents = {f"/api/v1/{name}/openapi.json" for name in services}
    credentials = {f"/api/v1/auth/{name}" for name in ("login", "refresh", "register", "verify-email")}
    mailed = {f"/api/v1/auth/{name}" for name in ("resend-verification", "forgot-password", "reset-password")}
    factors = {f"/api/v1/auth/{name}" for name in ("login/second-factor", "passkeys/login", "passkeys/login/options")}
    metadata = {f"/.well-known/{name}" for name in ("jwks.json", "oauth-authorization-server", "openid-configuration")}
    oauth = {f"/oauth2/{name}" for name in ("authorize", "introspect", "revoke", "token")}
    federated = {f"/api/v1/auth/federated/{{provider}}/{step}" for step in ("start", "callback")}
    elsewhere = federated | metadata | oauth | {"/api/v1/auth/providers", "/webhooks/stripe"}
    assert (
        public == {"/v1/{proxy+}", "/healthz"} | documents | credentials | factors | mailed | elsewhere | told | pages
    )


async def test_every_schedule_is_found(aws: Aws) -> None:
    _, stack = aws.made()
    assert [(schedule.target, schedule.expression) for schedule in stack.schedules] == [
        ("SweeperFunction", "rate(1 minute)"),
        ("RotationFunction", "rate(1 hour)"),
        ("StripeEventsFunction", "rate(1 minute)"),
        ("RollupFunction", "rate(1 minute)"),
        ("AnomalyFunction", "cron(5 * * * ? *)"),
        ("AnalyticsFilesFunction", "rate(1 minute)"),
        ("BillingMonthsFunction", "cron(43 3 * * ? *)"),
        ("BillingTurnsFunction", "rate(15 minutes)"),
        ("BillingAlertsFunction", "rate(1 minute)"),
        ("NotificationPlannerFunction", "rate(1 minute)"),
        ("EmailSenderFunction", "rate(1 minute)"),
        ("SmsSenderFunction", "rate(1 minute)"),
        ("PushSenderFunction", "rate(1 minute)"),
        ("KeyRemindersFunction", "rate(1 hour)"),
        ("DeferredFunction", "rate(1 minute)"),
        ("PriceRefreshFunction", "cron(17 5 * * ? *)"),
        ("WebhooksFunction", "rate(1 minute)"),
        ("RelayFunction", "rate(1 minute)"),
        ("InvoiceRunStateMachine", "cron(7 * * * ? *)"),
    ]


async def test_what_was_encrypted_before_a_restart_is_decrypted_after_it(tmp_path: Path) -> None:
    context = {"org_id": "a"}

    async def restarted() -> tuple[MotoServer, Aws, str]:
        server = MotoServer(tmp_path)
        aws = Aws(await server.start(), tmp_path)
        return server, aws, aws.made()[0].attribute("DataKey", "Arn")

    server, aws, arn = await restarted()
    made = aws.client("kms").generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext=context)
    tags = aws.client("kms").list_resource_tags(KeyId=arn)["Tags"]
    await server.stop()

    server, aws, again = await restarted()
    opened = aws.client("kms").decrypt(CiphertextBlob=made["CiphertextBlob"], KeyId=again, EncryptionContext=context)
    await server.stop()
    assert (again, opened["Plaintext"]) == (arn, made["Plaintext"])
    assert [tag["TagKey"] for tag in tags] == ["llmo:logical-id"]  # what the key is made of is not told


async def test_calls_are_traced_only_where_a_collector_is_named(aws: Aws) -> None:
    queues = {"llmo-test-tracing", "llmo-test-tracing-dead"}
    _, without = aws.made()
    made = {url.rpartition("/")[2] for url in aws.client("sqs").list_queues()["QueueUrls"]}
    assert "TracingFunction" not in without.functions
    assert not queues & (made | {queue.name for queue in without.consumer_queues})
    _, stack = aws.made(OtlpEndpoint="http://127.0.0.1:4318", OtlpHeaders="x-api-key=k")
    made = {url.rpartition("/")[2] for url in aws.client("sqs").list_queues()["QueueUrls"]}
    assert made >= queues
    assert "llmo-test-tracing" in {queue.name for queue in stack.consumer_queues}
    assert _trigger(stack, "TracingFunction").partial_failures
    assert stack.functions["TracingFunction"].environment["OTLP_ENDPOINT"] == "http://127.0.0.1:4318"


async def test_what_ses_tells_reaches_its_queue_by_the_accounts_own_bus(aws: Aws) -> None:
    _, without = aws.made()
    assert "SesReceiptsFunction" not in without.functions
    _, stack = aws.made(SesConfigurationSet="mails")
    trigger = _trigger(stack, "SesReceiptsFunction")
    assert "llmo-test-ses-receipts" not in {queue.name for queue in stack.consumer_queues}  # none of RabbitMQ's
    sample = json.loads((EVENTS / "SesReceiptsFunction" / "email-bounced.json").read_text())["Records"][0]
    told = json.loads(sample["body"])
    anothers = json.loads(sample["body"])
    anothers["detail"]["mail"]["tags"]["ses:configuration-set"] = ["of another stack"]
    opened = {**told, "detail-type": "Email Opened"}
    entries = [
        {"Source": each["source"], "DetailType": each["detail-type"], "Detail": json.dumps(each["detail"])}
        for each in (anothers, opened, told)
    ]
    assert aws.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0
    received = aws.client("sqs").receive_message(QueueUrl=trigger.queue_url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["detail"] for message in received] == [told["detail"]]
    assert trigger.partial_failures
    assert trigger.dead_letter_url is not None
