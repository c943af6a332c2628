"""Privacy over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from analytics.privacy import wiring
from analytics.privacy.schemas import ErasedOut
from analytics.privacy.service import ErasureService
from analytics.tracking.models import NO_CONTROLS
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal

router = APIRouter(prefix="/api/v1/analytics/users")

type Service = Annotated[ErasureService, Depends(wiring.erasure_service)]
type Writer = Annotated[Principal, Depends(Allowed(Permission.ANALYTICS_WRITE))]
type UserId = Annotated[str, Path(max_length=256, pattern=NO_CONTROLS, examples=["u-42"])]


@router.delete("/{user_id:path}", responses={202: {"model": ErasedOut, "description": "More is left: repeat it."}})
async def erase_user(user_id: UserId, principal: Writer, service: Service, response: Response) -> ErasedOut:
    """Erase a person: their tracked events are deleted, and LLM calls that were made for them name nobody any more.

    `user_id` is that of events, and the `user` of calls. What calls used and cost stays. One request erases 50,000
    events and calls at most, and says whether more is left.
    """
    erased = ErasedOut.of(await service.erase(principal.org_id, user_id))
    if not erased.done:
        response.status_code = HTTPStatus.ACCEPTED
    return erased
