"""The registry over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.registry import wiring
from integration.management.registry.schemas import (
    ChangeModel,
    CreateModel,
    ModelOut,
    ModelPage,
    PriceEditionOut,
    PriceOut,
    PricesOut,
    PutPrice,
)
from integration.management.registry.service import PriceService, RegistryService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before

router = APIRouter(prefix="/api/v1/models", route_class=idempotent(shared.repeated_requests))

type Registry = Annotated[RegistryService, Depends(wiring.registry_service)]
type Prices = Annotated[PriceService, Depends(wiring.price_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.MODELS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.MODELS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no model with this id.")
_UNFITTING = "There is no such provider, or the model is retired before it is deprecated."


@router.get("", responses=refusals(status_400="The cursor is not one of this API's."))
async def list_models(principal: Reader, service: Registry, wanted: Wanted) -> ModelPage:
    """List the organization's models, the newest first."""
    return ModelPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}}
    | refusals(
        status_400=_UNFITTING,
        status_409="The organization has a model or a route of this name already, or the request is under way.",
    ),
)
async def create_model(body: CreateModel, principal: Writer, service: Registry, response: Response) -> ModelOut:
    """Register a model of a provider under a name of the organization's own."""
    model = await service.create(principal, body.wanted())
    tag(response, model.version)
    return ModelOut.of(model)


@router.get("/prices", dependencies=[Depends(Allowed(Permission.MODELS_READ))])
async def read_price_edition(service: Prices) -> PriceEditionOut:
    """Show which edition of the price table goes for models without prices of their own."""
    return PriceEditionOut.of(await service.in_force())


@router.get("/{model_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_model(model_id: UUID, principal: Reader, service: Registry, response: Response) -> ModelOut:
    """Show a model."""
    model = await service.find(principal, model_id)
    tag(response, model.version)
    return ModelOut.of(model)


@router.patch(
    "/{model_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(
        status_400=_UNFITTING,
        status_409="A model or a route has the new name already, or routes have the old one as a target.",
        status_412="The model has another version than `If-Match` says.",
    ),
)
async def change_model(
    model_id: UUID, body: ChangeModel, principal: Writer, service: Registry, response: Response, expected: Expected
) -> ModelOut:
    """Change a model. The gateway goes by it from the next call on."""
    model = await service.change(principal, model_id, body.wanted(), expected=expected)
    tag(response, model.version)
    return ModelOut.of(model)


@router.delete(
    "/{model_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_UNKNOWN | refusals(status_409="Routes have the model as a target."),
)
async def remove_model(model_id: UUID, principal: Writer, service: Registry) -> Response:
    """Remove a model that no route has as a target."""
    await service.remove(principal, model_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{model_id}/prices", responses=_UNKNOWN)
async def list_prices(model_id: UUID, principal: Reader, service: Prices) -> PricesOut:
    """List what the model costs, the latest price first."""
    return PricesOut(data=[PriceOut.of(price) for price in await service.all(principal, model_id)])


@router.put(
    "/{model_id}/prices",
    responses=_UNKNOWN | refusals(status_409="There is a price from this moment on, which is in effect already."),
)
async def put_price(model_id: UUID, body: PutPrice, principal: Writer, service: Prices) -> PriceOut:
    """Say what the model costs from a moment on; a price from the same moment on is replaced while it is to come."""
    return PriceOut.of(await service.put(principal, model_id, body.wanted()))
