"""Moderations, which are free at OpenAI: https://platform.openai.com/docs/guides/moderation."""

from integration.gateway.call import Call, Endpoint
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN, MEDIA_TOKENS_ESTIMATE, Form, Reading
from integration.gateway.endpoints.media import IMAGE_TOKENS_BOUND, data_url_bytes
from integration.gateway.endpoints.request import Request
from integration.gateway.metering import NO_USAGE, Size, Unit, Usage
from integration.gateway.planning import Plan
from integration.gateway.usage import Json, read_usage


class Moderations(Form):
    """`POST /v1/moderations`."""

    endpoint = Endpoint.MODERATIONS
    units = frozenset((Unit.FREE, Unit.TOKENS))
    default_model = "omni-moderation-latest"

    def check(self, fields: Json) -> None:
        """Raise InvalidCall unless there is an input."""
        body.some(fields, "input")

    def read(self, request: Request, _plan: Plan) -> Reading:
        """What the call asks for; its answer has no tokens."""
        given = request.fields["input"]
        parts = given if isinstance(given, list) else ()
        images = [part for part in parts if isinstance(part, dict) and part.get("type") == "image_url"]
        size = len(request.raw) - sum(map(data_url_bytes, images))
        return Reading(
            request,
            likely=Size(size // CHARACTERS_PER_TOKEN + MEDIA_TOKENS_ESTIMATE * len(images)),
            most=Size(size + IMAGE_TOKENS_BOUND * len(images)),
            vision=bool(images),
        )

    def usage(self, answer: Json, _call: Call, unit: Unit) -> Usage | None:
        """None is reported, and a free model needs none."""
        return NO_USAGE if unit is Unit.FREE else read_usage(answer.get("usage"), produces=False)
