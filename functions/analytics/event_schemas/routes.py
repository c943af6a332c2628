"""Event schemas over HTTP. A cursor is the name of the last one that was shown."""

import re
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from analytics.event_schemas import wiring
from analytics.event_schemas.models import MOST_VERSIONS, NAME
from analytics.event_schemas.schemas import EventSchemaOut, EventSchemaPage, PublishSchema
from analytics.event_schemas.service import EventSchemaService
from analytics.event_schemas.subset import MOST_BYTES
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.body_limits import limited
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import MalformedCursor

_MOST_BODY: Final = 4 * MOST_BYTES
_CURSOR: Final = re.compile(NAME)
router = APIRouter(prefix="/api/v1/analytics/event-schemas", route_class=limited(_MOST_BODY))

type Service = Annotated[EventSchemaService, Depends(wiring.event_schema_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.ANALYTICS_WRITE))]
type Name = Annotated[str, Path(pattern=NAME, examples=["checkout.completed"])]
type Version = Annotated[int | None, Query(ge=1, le=MOST_VERSIONS, description="The newest when left out.")]


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_event_schemas(principal: Reader, service: Service, wanted: Wanted) -> EventSchemaPage:
    """List the schemas that are in force, by name."""
    found = await service.page(principal.org_id, after=_name_before(wanted.cursor), limit=wanted.limit + 1)
    shown = [EventSchemaOut.of(schema) for schema in found[: wanted.limit]]
    return EventSchemaPage(data=shown, next_cursor=shown[-1].name if len(found) > wanted.limit else None)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=refusals(
        status_400="No event can be checked against this schema, or the body cannot be read.",
        status_409="Somebody else published one for this name at the same time, or there are 500 names or 1,000 "
        "versions of one.",
        status_413="The body is too large.",
    ),
)
async def publish_event_schema(body: PublishSchema, principal: Writer, service: Service) -> EventSchemaOut:
    """Put a schema in force for events of a name, as a new version. To publish what is in force changes nothing."""
    return EventSchemaOut.of(await service.publish(principal, body.wanted()))


@router.get("/{name}", responses=refusals(status_404="No such schema is published."))
async def read_event_schema(name: Name, principal: Reader, service: Service, version: Version = None) -> EventSchemaOut:
    """Show the schema for events of a name."""
    return EventSchemaOut.of(await service.show(principal.org_id, name, version))


def _name_before(cursor: str | None) -> str | None:
    if cursor is not None and _CURSOR.fullmatch(cursor) is None:
        raise MalformedCursor
    return cursor
