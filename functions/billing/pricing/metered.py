"""What a plan's charges for usage and its features must have in common with the meters that count it."""

from collections.abc import Mapping

from billing.metering.meters import Meter
from billing.pricing.plans import PlanVersion
from billing.pricing.prices import PassThrough, Percentage
from llmo_core.currencies import Currency
from llmo_core.errors import Invalid, NotFound


class UnknownMeter(NotFound):
    """There is no meter with this code."""


class UnfittingMeter(Invalid):
    """The meter does not count what the price is asked for."""


def require_meters(plan: PlanVersion, meters: Mapping[str, Meter]) -> None:
    """Raise UnknownMeter or UnfittingMeter unless each charge for usage has a meter in the unit of its price.

    Features that are counted have a meter in whatever unit.

    Costs that are passed on are US dollars, and a percentage is taken of the plan's currency: of what the gateway's
    calls cost in dollars only where that is the same.
    """
    for code in sorted(plan.meters - meters.keys()):
        raise UnknownMeter(f"There is no meter with the code `{code}`.")
    for charge in plan.for_usage:
        meter = meters[charge.meter or ""]
        if isinstance(charge.price, PassThrough) and not meter.in_dollars:
            raise UnfittingMeter(f"`{charge.code}` passes costs on, and `{meter.code}` does not count US dollars.")
        if isinstance(charge.price, Percentage) and meter.in_dollars and plan.currency is not Currency.USD:
            raise UnfittingMeter(
                f"`{charge.code}` is a percentage in {plan.currency}, and `{meter.code}` counts US dollars:"
                " pass them through with a rate of exchange."
            )
