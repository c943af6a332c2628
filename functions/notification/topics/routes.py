"""Topics over HTTP."""

from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before
from notification import wiring as shared
from notification.callers import CURSOR, Me, Reader, Writer
from notification.topics import wiring
from notification.topics.models import CODE
from notification.topics.schemas import CreateTopic, OfferedTopicPage, SubscriberPage, TopicOut, TopicPage
from notification.topics.service import TopicService

router = APIRouter(prefix="/api/v1/topics", route_class=idempotent(shared.repeated_requests))

type Topics = Annotated[TopicService, Depends(wiring.topic_service)]
type TopicCode = Annotated[str, Path(pattern=CODE, examples=["maintenance"])]

_UNKNOWN: Final = refusals(status_404="The organization has no such topic.")


@router.get("", responses=CURSOR)
async def list_topics(principal: Reader, service: Topics, wanted: Wanted) -> TopicPage:
    """List the organization's topics, the newest first."""
    return TopicPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=refusals(
        status_409="The organization has a topic with this code, or 200 topics, or the request is under way."
    ),
)
async def create_topic(body: CreateTopic, principal: Writer, service: Topics) -> TopicOut:
    """Make a topic that members can subscribe to. Notifications for it go to whoever has."""
    return TopicOut.of(await service.create(principal, body.wanted()))


@router.get("/subscriptions", responses=CURSOR)
async def list_own_subscriptions(person: Me, service: Topics, wanted: Wanted) -> OfferedTopicPage:
    """List the topics of the token's organization, and which of them the caller is told of."""
    page = await service.offered(person, before=entry_before(wanted.cursor), limit=wanted.limit)
    return OfferedTopicPage.of(page)


@router.delete("/{code}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_topic(code: TopicCode, principal: Writer, service: Topics) -> None:
    """Remove a topic with its subscriptions."""
    await service.remove(principal, code)


@router.get("/{code}/subscribers", responses=CURSOR | _UNKNOWN)
async def list_subscribers(code: TopicCode, principal: Reader, service: Topics, wanted: Wanted) -> SubscriberPage:
    """List the members who are told of a topic, by their ids."""
    page = await service.subscribers(principal, code, after=entry_before(wanted.cursor), limit=wanted.limit)
    return SubscriberPage.of(page)


@router.put(
    "/{code}/subscribers/{user_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(status_404="The organization has no such topic, or no such member."),
)
async def add_subscriber(code: TopicCode, user_id: UUID, principal: Writer, service: Topics) -> None:
    """Have a member told of a topic."""
    await service.add_subscriber(principal, code, user_id)


@router.delete("/{code}/subscribers/{user_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_subscriber(code: TopicCode, user_id: UUID, principal: Writer, service: Topics) -> None:
    """Have somebody told of a topic no more."""
    await service.remove_subscriber(principal, code, user_id)


@router.put("/{code}/subscription", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def subscribe(code: TopicCode, person: Me, service: Topics) -> None:
    """Be told of a topic."""
    await service.subscribe(person, code)


@router.delete("/{code}/subscription", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def unsubscribe(code: TopicCode, person: Me, service: Topics) -> None:
    """Be told of a topic no more."""
    await service.unsubscribe(person, code)
