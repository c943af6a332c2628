"""Dry runs over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from integration.dry_runs import wiring
from integration.dry_runs.schemas import CreateDryRun, DryRunOut
from integration.dry_runs.service import DryRunService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock
from llmo_core.http.app import create_app, lambda_handler

router = APIRouter(prefix="/api/v1/policies/dry-runs")

type DryRuns = Annotated[DryRunService, Depends(wiring.dry_run_service)]
type Now = Annotated[Clock, Depends(wiring.clock)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]


@router.post("")
async def run_policy_dry(body: CreateDryRun, principal: Reader, service: DryRuns, clock: Now) -> DryRunOut:
    """Replay last week's calls against a policy that is only thought of, and say what it would have saved.

    It goes by what is known of calls: models, tokens, costs, and which of them were equal; not by what they said.
    `usage:read` is a right over the whole organization, also for a key that belongs to one project.
    """
    wanted = body.wanted(principal.org_id, now=clock.now())
    return DryRunOut.of(await service.run(wanted, body.thought_of()))


app = create_app(
    title="LLMOptimizer dry runs",
    prefix="/api/v1/policies/dry-runs",
    routers=[router],
    description="What a policy would have saved.",
)
handler = lambda_handler(app)
