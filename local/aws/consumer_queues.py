"""The consumers' queues on RabbitMQ: those that rules of the template fill on SQS, with the same names and events."""

from collections import defaultdict

from llmo_messaging.rabbitmq import ConsumerQueue
from local.aws.intrinsics import Resolver, TemplateError
from local.aws.template import Template


def consumer_queues(template: Template, resolver: Resolver) -> list[ConsumerQueue]:
    """Every queue that a rule sends events to. Raises TemplateError for a rule that goes by more than their types.

    Args:
        template: Has the rules and the queues.
        resolver: Resolves what the template says of names and conditions.
    """
    event_types: dict[str, list[str]] = defaultdict(list)
    for name, rule in template.of_type("AWS::Events::Rule").items():
        if not resolver.exists(name) or "EventBusName" not in rule:  # what AWS tells goes by the account's own bus
            continue
        pattern = rule["EventPattern"]
        if pattern.keys() != {"detail-type"}:
            raise TemplateError(f"{name} goes by more than the events' types, which RabbitMQ cannot")
        for target in rule["Targets"]:
            event_types[target["Arn"]["Fn::GetAtt"][0]].extend(pattern["detail-type"])
    queues = template.of_type("AWS::SQS::Queue")
    return [
        ConsumerQueue(resolver.resolve(queues[queue]["QueueName"]), tuple(dict.fromkeys(types)))
        for queue, types in event_types.items()
    ]
