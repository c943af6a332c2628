"""Who an application acts for, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from auth.oauth import wiring
from auth.oauth.schemas import UserInfo
from auth.oauth.userinfo import UserInfoService
from llmo_auth.guard import represented
from llmo_auth.principal import Person
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/oauth2")


_REFUSALS = refusals(
    status_401="No valid access token came with the request.",
    status_403="The access token was not given the scope `openid`.",
)


@router.get("/userinfo", response_model_exclude_none=True, responses=_REFUSALS)
@router.post("/userinfo", response_model_exclude_none=True, responses=_REFUSALS)
async def userinfo(
    person: Annotated[Person, Depends(represented)],
    response: Response,
    service: Annotated[UserInfoService, Depends(wiring.userinfo_service)],
) -> UserInfo:
    """Say who the application acts for: `name` with the scope `profile`, `email` with `email`."""
    response.headers["cache-control"] = "no-store"
    identity, scope = await service.tell(person)
    return UserInfo.of(identity, scope)
