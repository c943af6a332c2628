"""The platform's figures with their adapters."""

from functools import cache

from analytics import wiring as shared
from analytics.platform.cloudwatch import CloudWatchFigures
from analytics.platform.models import Names, Operator
from analytics.platform.service import PlatformMetrics
from analytics.settings import OperatorSettings
from llmo_core.clock import SystemClock


@cache
def _service() -> PlatformMetrics:
    settings = OperatorSettings.model_validate({})
    names = Names(prefix=f"llmo-{settings.stage}-")
    return PlatformMetrics(
        figures=CloudWatchFigures(names=names), operator=Operator(settings.operator_org_id), clock=SystemClock()
    )


async def platform_metrics() -> PlatformMetrics:
    """The use case of showing them."""
    return _service()


shared.forgotten_on_close(_service.cache_clear)
