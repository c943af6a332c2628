"""What every test process is told before anything is imported: Powertools reads it once, when it is first used."""

import os
from pathlib import Path

import pytest
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


_HERE = Path(__file__).parent
# What runs a platform of many processes: side by side these would wait for each other's.
_MANY_PROCESSES = ("e2e", "integration/chaos")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares fixtures, when several processes run the tests (`-n 2 --dist loadgroup`)."""
    for item in items:
        path = item.path.relative_to(_HERE).as_posix()
        group = "processes" if path.startswith(_MANY_PROCESSES) else path
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_report_header() -> str:
    """Say which buses the contract suite runs against, because RabbitMQ's half is not collected without a broker."""
    return broker.report()
