"""Privacy over HTTP."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from analytics.erasures.models import Person
from analytics.privacy import wiring
from analytics.privacy.schemas import ErasedOut, ErasureParameters
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
    user_id: UserId,
    parameters: Annotated[ErasureParameters, Query()],
    principal: Writer,
    service: Service,
    request: Request,
    response: Response,
) -> ErasedOut:
    """Erase a person: tracked events are deleted, and LLM calls and their sums name nobody any more.

    `user_id` is that of events, and the `user` of calls; with `kind=anonymous` it is an `anonymous_id`. What calls used
    and cost stays. All files of the organization's exports and reports are deleted: they may be made again. Events that
    name the person are refused from then on, and calls are kept without the name. One request erases 50,000 events and
    calls at most, and says whether more is left.
    """
    person = Person(parameters.kind, _whole(user_id, request)[:_KEPT_CHARACTERS])
    erased = ErasedOut.of(await service.erase(principal.org_id, person))
    if not erased.done:
        response.status_code = HTTPStatus.ACCEPTED
    return erased


def _whole(user_id: str, request: Request) -> str:
    """The id with the line's end that it may have: routes are matched without, and "ada" is another person."""
    path: str = request.scope["path"]
    return user_id + path[len(path.rstrip("\n")) :]
