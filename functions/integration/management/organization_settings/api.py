"""Settings over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from integration.management.organization_settings import wiring
from integration.management.organization_settings.schemas import PutSettings, SettingsOut
from integration.management.organization_settings.service import SettingsService
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag

router = APIRouter(prefix="/api/v1/settings")

type Settings = Annotated[SettingsService, Depends(wiring.settings_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.BUDGETS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.BUDGETS_WRITE))]


@router.get("", responses={HTTPStatus.OK: {**TAGGED}})
async def read_settings(principal: Reader, service: Settings, response: Response) -> SettingsOut:
    """Show what holds for all of the organization."""
    settings = await service.find(principal)
    tag(response, settings.version)
    return SettingsOut.of(settings)


@router.put(
    "",
    responses={HTTPStatus.OK: {**TAGGED}}
    | refusals(
        status_400="There is no such time zone.", status_412="The settings have another version than `If-Match` says."
    ),
)
async def put_settings(
    body: PutSettings, principal: Writer, service: Settings, response: Response, expected: Expected
) -> SettingsOut:
    """Say what shall hold for all of the organization. Windows of budgets that have begun may begin anew."""
    settings = await service.put(principal, time_zone=body.time_zone, expected=expected)
    tag(response, settings.version)
    return SettingsOut.of(settings)
