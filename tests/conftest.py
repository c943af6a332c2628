"""What every test process is told before anything is imported: Powertools reads it once, when it is first used."""

import os

from tests.integration.messaging import broker

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "LLMOptimizer")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")


def pytest_report_header() -> str:
    """Say which buses the contract suite runs against, because RabbitMQ's half is not collected without a broker."""
    return broker.report()
