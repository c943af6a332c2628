"""Oneself over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from auth.accounts import wiring
from auth.accounts.profile import ProfileService
from auth.accounts.schemas import MeOut, Rename, UserOut
from auth.http import SignedIn, refusals
from llmo_auth.guard import identified
from llmo_auth.principal import Person, Principal

router = APIRouter(prefix="/api/v1/me")

type Profiles = Annotated[ProfileService, Depends(wiring.profile_service)]
type Anybody = Annotated[Principal | Person, Depends(identified)]

_UNAUTHENTICATED = "No valid credentials came with the request."


@router.get("", responses=refusals(status_401=_UNAUTHENTICATED))
async def who_am_i(caller: Anybody, service: Profiles) -> MeOut:
    """Say who the caller is, and what it may do."""
    return MeOut.of(caller, await service.who(caller))


@router.patch("", responses=refusals(status_401=_UNAUTHENTICATED, status_403="An API key is no person."))
async def rename(body: Rename, person: SignedIn, service: Profiles) -> UserOut:
    """Change what one is called."""
    return UserOut.of(await service.rename(person, body.name))
