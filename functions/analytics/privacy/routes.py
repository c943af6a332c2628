"""Privacy over HTTP."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from analytics.privacy import wiring
from analytics.privacy.schemas import ErasedOut
from analytics.privacy.service import ErasureService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal

router = APIRouter(prefix="/api/v1/analytics/users")

type Service = Annotated[ErasureService, Depends(wiring.erasure_service)]
type Writer = Annotated[Principal, Depends(Allowed(Permission.ANALYTICS_WRITE))]
# Of calls the gateway keeps the first characters of whatever `user` was.
type UserId = Annotated[str, Path(max_length=1024, pattern=r"^[^\x00]+$", examples=["u-42"])]
_KEPT_CHARACTERS: Final = 256


@router.delete("/{user_id:path}", responses={202: {"model": ErasedOut, "description": "More is left: repeat it."}})
async def erase_user(
    user_id: UserId, principal: Writer, service: Service, request: Request, response: Response
) -> ErasedOut:
    """Erase a person: their tracked events are deleted, and LLM calls that were made for them name nobody any more.

    `user_id` is that of events, and the `user` of calls. What calls used and cost stays. One request erases 50,000
    events and calls at most, and says whether more is left.
    """
    erased = ErasedOut.of(await service.erase(principal.org_id, _whole(user_id, request)[:_KEPT_CHARACTERS]))
    if not erased.done:
        response.status_code = HTTPStatus.ACCEPTED
    return erased


def _whole(user_id: str, request: Request) -> str:
    """The id with the line's end that it may have: routes are matched without, and "ada" is another person."""
    path: str = request.scope["path"]
    return user_id + path[len(path.rstrip("\n")) :]
