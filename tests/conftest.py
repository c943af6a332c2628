"""What every test process is told before anything is imported: Powertools reads it once, when it is first used."""

import os

from hypothesis import HealthCheck, settings

from tests.integration.messaging import broker

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "LLMOptimizer")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")

# How busy the machine is says nothing about the code, and drawing text is slow the first time. A fixture that is made
# for a test serves every example of it.
settings.register_profile(
    "llmo", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("llmo")


def pytest_report_header() -> str:
    """Say which buses the contract suite runs against, because RabbitMQ's half is not collected without a broker."""
    return broker.report()
