"""What follows billing's events, with its adapters."""

from billing.flows.following import Following
from billing.flows.models import Flow
from billing.flows.step_functions import StepFunctions
from billing.settings import FlowSettings
from llmo_core.aws import JsonService


def following() -> Following:
    """What starts flows."""
    settings = FlowSettings.model_validate({})
    service = JsonService.from_environment("states", "AWSStepFunctions", protocol="1.0")
    return Following(StepFunctions(service, {Flow.DUNNING: settings.dunning_state_machine}))
