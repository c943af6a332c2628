"""The worker of webhooks hears of what its catalogue names, and is dead when its leases end."""

from integration.webhook_delivery.sending import LEASE
from integration.webhook_messages.calls import SECONDS
from integration.webhook_messages.catalogue import SOURCES
from local.aws.template import Template
from local.stack import StackSpec

LONGEST_PATTERN = 4096  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html


def test_the_rule_names_every_event_that_is_public_and_no_other(template: Template) -> None:
    types = template.of_type("AWS::Events::Rule")["WebhooksRule"]["EventPattern"]["detail-type"]

    assert sorted(types) == sorted(SOURCES)
    assert len(str(types)) < LONGEST_PATTERN


def test_a_lease_outlives_the_function_and_a_message_fits_into_its_time(stack: StackSpec) -> None:
    timeout = stack.functions["WebhooksFunction"].timeout_seconds

    assert LEASE.total_seconds() > timeout > 2 * SECONDS
