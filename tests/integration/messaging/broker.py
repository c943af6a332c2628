"""Where the tests look for a RabbitMQ, and whether one is there."""

import os
import socket
from urllib.parse import urlsplit

from local.stores.rabbitmq import rabbitmq_installed

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
    """Two lines on which buses are tested; they name no credentials."""
    host, port = address()
    answers = (
        f"RabbitMQ at {host}:{port}" if rabbitmq_answers() else f"NO RabbitMQ: none at {host}:{port} (RABBITMQ_URL)"
    )
    restarts = "RabbitMQ" if rabbitmq_installed() else "NO RabbitMQ: there is no rabbitmq-server to start"
    return f"bus contract: EventBridge (moto), {answers}\nchaos, e2e: EventBridge (moto), {restarts}"
