"""What replaces three of moto's functions answers as they do."""

import time

import pytest
from moto.sqs.models import Message, Queue, SQSBackend

from local.aws.moto_server import Attributes, is_valid

REGION, ACCOUNT = "eu-west-1", "123456789012"


@pytest.fixture(params=[{}, {"FifoQueue": "true"}, {"FifoQueue": "true", "ContentBasedDeduplication": "true"}])
def queue(request: pytest.FixtureRequest) -> Queue:
    name = "q.fifo" if request.param else "q"
    backend = SQSBackend(REGION, ACCOUNT)
    made: Queue = backend.create_queue(name, tags=None, **request.param)
    made.add_message(Message("m1", "body"))
    return made


def test_a_queues_attributes_are_motos(queue: Queue) -> None:
    motos = queue.attributes

    attributes = Attributes(queue)

    assert dict(attributes) == motos
    for name in (*motos, "ContentBasedDeduplication", "Policy"):
        assert attributes.get(name) == motos.get(name)
        assert (name in attributes) == (name in motos)


@pytest.mark.parametrize(("age_seconds", "valid"), [(0, True), (345_500, True), (345_700, False)])
def test_a_message_is_kept_for_as_long_as_by_moto(age_seconds: int, *, valid: bool) -> None:
    backend = SQSBackend(REGION, ACCOUNT)
    backend.create_queue("q", tags=None)
    message = Message("m1", "body")
    message.sent_timestamp = int((time.time() - age_seconds) * 1000)  # type: ignore[assignment]

    assert is_valid(backend, "q", message) is valid
    assert backend.is_message_valid_based_on_retention_period("q", message) is valid
