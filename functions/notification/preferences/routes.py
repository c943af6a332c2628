"""Preferences over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from notification.callers import Me, Reader, Writer
from notification.preferences import wiring
from notification.preferences.schemas import (
    OrganizationPreferencesOut,
    PreferencesOut,
    SetOrganizationPreferences,
    SetPreferences,
)
from notification.preferences.service import PreferenceService

router = APIRouter(prefix="/api/v1/preferences")

type Preferences = Annotated[PreferenceService, Depends(wiring.preference_service)]

_TAGGED: Final[dict[int | str, dict[str, Any]]] = {HTTPStatus.OK: {**TAGGED}}
_REFUSED: Final = refusals(
    status_400="What is about an account, security or payments would be muted by e-mail or in the inbox, or wait.",
    status_412="The preferences have another revision than `If-Match` says.",
)


@router.get("", responses=_TAGGED)
async def read_preferences(person: Me, service: Preferences, response: Response) -> PreferencesOut:
    """Show what the caller chose about notifications, of all organizations."""
    preferences = await service.own(person)
    tag(response, preferences.revision)
    return PreferencesOut.of(preferences)


@router.put("", responses=_TAGGED | _REFUSED)
async def set_preferences(
    body: SetPreferences, person: Me, service: Preferences, response: Response, expected: Expected
) -> PreferencesOut:
    """Choose language, time zone, quiet hours, digests, channels and the most messages a day.

    What was chosen before and is left out now is as if it was never chosen. What is about an account, its security or
    payments is always sent by e-mail and to the inbox, at once; its SMS and push notifications can be switched off.
    """
    preferences = await service.choose(person, body.chosen(), expected=expected)
    tag(response, preferences.revision)
    return PreferencesOut.of(preferences)


@router.get("/organization", responses=_TAGGED)
async def read_organization_preferences(
    principal: Reader, service: Preferences, response: Response
) -> OrganizationPreferencesOut:
    """Show what the organization chose for those of its members who chose nothing."""
    preferences = await service.of_organization(principal.org_id)
    tag(response, preferences.revision)
    return OrganizationPreferencesOut.of(preferences)


@router.put("/organization", responses=_TAGGED | _REFUSED)
async def set_organization_preferences(
    body: SetOrganizationPreferences, principal: Writer, service: Preferences, response: Response, expected: Expected
) -> OrganizationPreferencesOut:
    """Choose for members who chose nothing: language, time zone, and which channels a category goes by.

    With `push_fallback_minutes` an e-mail follows a push notification that nobody has read in the inbox by then, and
    not at once.
    """
    preferences = await service.choose_for_organization(principal, body.chosen(), expected=expected)
    tag(response, preferences.revision)
    return OrganizationPreferencesOut.of(preferences)
