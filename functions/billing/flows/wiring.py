"""What starts flows and tells those that wait, with its adapters."""

from billing import wiring as shared
from billing.flows.following import Following
from billing.flows.models import Flow
from billing.flows.repository import PostgresWaitingFlows
from billing.flows.step_functions import StepFunctions
from billing.flows.waiting import Waiting
from billing.settings import FlowSettings
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_data.postgres import Database


def following(database: Database) -> Following:
    """What starts flows, and tells those that wait, of events."""
    settings = FlowSettings.model_validate({})
    machines = {
        Flow.DUNNING: settings.dunning_state_machine,
        Flow.REFUND: settings.refund_state_machine,
        Flow.SUBSCRIPTION_CHANGE: settings.subscription_change_state_machine,
    }
    return Following(machines=StepFunctions(_service(), machines), waiting=_waiting(database))


def waiting() -> Waiting:
    """What lets flows wait."""
    return _waiting(shared.database())


def _waiting(database: Database) -> Waiting:
    return Waiting(flows=PostgresWaitingFlows(database), machines=StepFunctions(_service(), {}), clock=SystemClock())


def _service() -> JsonService:
    return JsonService.from_environment("states", "AWSStepFunctions", protocol="1.0")
