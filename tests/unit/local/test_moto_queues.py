"""What replaces functions of moto's queues answers as they do, and loses nothing."""

import time

import pytest
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

from local.aws.moto_queues import Attributes, delete_message, is_valid

REGION, ACCOUNT = "eu-west-1", "123456789012"


@pytest.fixture(params=[{}, {"FifoQueue": "true"}, {"FifoQueue": "true", "ContentBasedDeduplication": "true"}])
def any_queue(request: pytest.FixtureRequest) -> Queue:
    name = "q.fifo" if request.param else "q"
    backend = SQSBackend(REGION, ACCOUNT)
    made: Queue = backend.create_queue(name, tags=None, **request.param)
    made.add_message(Message("m1", "body"))
    return made


def test_a_queues_attributes_are_motos(any_queue: Queue) -> None:
    motos = any_queue.attributes

    attributes = Attributes(any_queue)

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


class Interrupted(Message):
    """A message at which another thread sends one, in the middle of a deletion."""

    def __init__(self, queue: Queue, other: Message) -> None:
        super().__init__("interrupted", "body")
        self._queue = queue
        self._others = [other]

    def had_receipt_handle(self, receipt_handle: str) -> bool:
        if self._others:
            self._queue.add_message(self._others.pop())
        return super().had_receipt_handle(receipt_handle)


@pytest.fixture
def queue() -> Queue:
    made: Queue = SQSBackend(REGION, ACCOUNT).create_queue("q", tags=None)
    made.add_message(Message("m1", "body"))
    return made


def received(message: Message, *, seconds: int) -> str:
    """The handle of a message that is received for so long."""
    message.mark_received(visibility_timeout=seconds)
    assert message.receipt_handle
    return message.receipt_handle


def test_a_deletion_keeps_what_is_sent_meanwhile(queue: Queue) -> None:
    [first] = queue.messages
    handle = received(first, seconds=30)
    sent = Message("m2", "body")
    other = Interrupted(queue, sent)
    queue._messages.insert(0, other)

    delete_message(queue, handle)

    assert queue._messages == [other, sent]
    assert first not in queue.pending_messages


def test_a_message_is_deleted_once_and_by_any_of_its_handles(queue: Queue) -> None:
    [message] = queue.messages
    earlier, later = received(message, seconds=0), received(message, seconds=30)

    delete_message(queue, earlier)
    delete_message(queue, later)

    assert not queue._messages


def test_a_handle_of_no_message_is_refused(queue: Queue) -> None:
    with pytest.raises(ReceiptHandleIsInvalid):
        delete_message(queue, "nobody's")
