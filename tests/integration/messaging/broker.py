"""Where the tests look for a RabbitMQ, and whether one is there."""

import os
import socket
from urllib.parse import urlsplit

RABBITMQ_URL = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"  # AMQP 0-9-1, section 2.2.4
_METHOD_FRAME = b"\x01"


def address() -> tuple[str, int]:
    """The broker's host and port."""
    url = urlsplit(RABBITMQ_URL)
    return url.hostname or "127.0.0.1", url.port or 5672


def rabbitmq_answers() -> bool:
    """Whether something at RABBITMQ_URL speaks AMQP 0-9-1."""
    try:
        with socket.create_connection(address(), timeout=2) as connection:
            connection.sendall(_PROTOCOL_HEADER)
            return connection.recv(1) == _METHOD_FRAME
    except OSError:
        return False


def report() -> str:
    """One line on which buses the contract is tested with; it names no credentials."""
    host, port = address()
    if rabbitmq_answers():
        return f"bus contract: EventBridge (moto) and RabbitMQ at {host}:{port}"
    return f"bus contract: EventBridge (moto) only; NO RabbitMQ answers at {host}:{port} (RABBITMQ_URL)"
