"""Each function's environment is what its settings ask for: nothing is missing, nothing is left over."""

from collections.abc import Iterator, Mapping

import pytest

from analytics.settings import AnalyticsSettings, AnomalySettings, FilesSettings, UsageConsumerSettings
from analytics.settings import ApiSettings as AnalyticsApiSettings
from analytics.settings import LiveSettings as AnalyticsLiveSettings
from auth.settings import AuthSettings, RotationSettings
from authorizer.settings import AuthorizerSettings
from billing.payments.webhook_settings import StripeWebhookSettings
from billing.settings import (
    BillingApiSettings,
    BillingSettings,
    EventsSettings,
    TasksSettings,
    TurnsSettings,
    UsageSettings,
    WatchSettings,
)
from integration.billing_terms.settings import BillingTermsSettings
from integration.content_log.settings import ContentLogSettings
from integration.dry_runs.settings import DryRunSettings
from integration.gateway import settings as gateway
from integration.live.settings import LiveSettings
from integration.management.settings import ManagementSettings
from integration.price_tables.settings import PriceRefreshSettings
from integration.webhook_delivery.settings import WebhookSettings
from llmo_core.settings import DatabaseSettings, Settings
from local.stack import StackSpec
from migrate.settings import MigrateSettings
from notification.delivery.settings import EmailSettings, PushSettings, SmsSettings
from notification.live.settings import LiveSettings as InboxLiveSettings
from notification.receipts.settings import ReceiptSettings
from notification.receipts.settings import WebhookSettings as ProviderWebhookSettings
from notification.settings import ApiSettings, PlannerSettings
from relay.settings import RelaySettings
from tracing.settings import TracingSettings

SETTINGS: dict[str, type[Settings]] = {
    "AnalyticsApiFunction": AnalyticsApiSettings,
    "AnalyticsConsumerFunction": UsageConsumerSettings,
    "AnalyticsFilesFunction": FilesSettings,
    "AnalyticsLiveFunction": AnalyticsLiveSettings,
    "AnomalyFunction": AnomalySettings,
    "RollupFunction": AnalyticsSettings,
    "AuthApiFunction": AuthSettings,
    "AuthorizerFunction": AuthorizerSettings,
    "BillingAlertsFunction": WatchSettings,
    "BillingApiFunction": BillingApiSettings,
    "BillingTasksFunction": TasksSettings,
    "BillingEventsFunction": EventsSettings,
    "BillingMonthsFunction": DatabaseSettings,
    "BillingTermsFunction": BillingTermsSettings,
    "BillingTurnsFunction": TurnsSettings,
    "BillingUsageFunction": UsageSettings,
    "BootstrapFunction": AuthSettings,
    "ContentsFunction": ContentLogSettings,
    "DryRunFunction": DryRunSettings,
    "EmailSenderFunction": EmailSettings,
    "InboxLiveFunction": InboxLiveSettings,
    "IntegrationApiFunction": ManagementSettings,
    "KeyRemindersFunction": DatabaseSettings,
    "LiveFunction": LiveSettings,
    "MigrateFunction": MigrateSettings,
    "NotificationApiFunction": ApiSettings,
    "NotificationPlannerFunction": PlannerSettings,
    "PriceRefreshFunction": PriceRefreshSettings,
    "ProviderWebhooksFunction": ProviderWebhookSettings,
    "PushSenderFunction": PushSettings,
    "RelayFunction": RelaySettings,
    "RotationFunction": RotationSettings,
    "SesReceiptsFunction": ReceiptSettings,
    "SmsSenderFunction": SmsSettings,
    "StripeEventsFunction": BillingSettings,
    "StripeWebhookFunction": StripeWebhookSettings,
    "TracingFunction": TracingSettings,
    "WebhooksFunction": WebhookSettings,
}
FOR_POWERTOOLS = {"LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}
FOR_LAMBDA = {
    "CORS_ORIGIN",  # every function gets it, as it gets STAGE; llmo_core.http.cors reads it
    "AWS_ENDPOINT_URL",  # the laptop's
    "AWS_LAMBDA_EXEC_WRAPPER",
    "AWS_LWA_INVOKE_MODE",
    "AWS_LWA_PORT",
    "AWS_LWA_READINESS_CHECK_PATH",
    "PYTHONPATH",
    "RELEASE",  # another value replaces every process, which reads its secrets again
}
GATEWAY_SETTINGS = {
    "DeferredFunction": "GatewaySettings",
    "GatewayFunction": "GatewaySettings",
    "SweeperFunction": "SweeperSettings",
}
FOR_CONSUMERS = {"DEAD_LETTER_QUEUE_URL"}  # which llmo_messaging.settings reads


class _Read(Mapping[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, content: Mapping[str, str]) -> None:
        self._content = content
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_a_function_gets_the_variables_that_its_settings_name(
    stack: StackSpec, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(stack.functions[function].environment)
    fields = {name.upper() for name in SETTINGS[function].model_fields}
    for name in fields:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = SETTINGS[function].model_validate({})
    assert settings.stage == environment["STAGE"]
    assert environment.keys() - FOR_POWERTOOLS - FOR_LAMBDA == fields - FOR_POWERTOOLS


@pytest.mark.parametrize("function", sorted(GATEWAY_SETTINGS))
def test_the_gateway_gets_the_variables_that_its_settings_read(stack: StackSpec, function: str) -> None:
    environment = _Read({**stack.functions[function].environment, "AWS_REGION": stack.region})
    getattr(gateway, GATEWAY_SETTINGS[function]).from_environment(environment)
    unread = environment.keys() - environment.asked - FOR_POWERTOOLS - FOR_LAMBDA - {"AWS_REGION", "STAGE"}
    assert unread == (FOR_CONSUMERS if function == "DeferredFunction" else set())


@pytest.mark.parametrize(
    "function",
    [
        "AnalyticsApiFunction",
        "AuthApiFunction",
        "BillingApiFunction",
        "GatewayFunction",
        "IntegrationApiFunction",
        "LiveFunction",
    ],
)
def test_what_answers_browsers_knows_the_origin_that_the_preflight_allows(stack: StackSpec, function: str) -> None:
    assert stack.cors is not None
    assert stack.functions[function].environment["CORS_ORIGIN"] == stack.cors.allow_origin


def test_every_function_has_settings_in_this_test(stack: StackSpec) -> None:
    assert stack.functions.keys() == SETTINGS.keys() | GATEWAY_SETTINGS.keys()
