"""Embeddings: https://platform.openai.com/docs/api-reference/embeddings."""

from typing import override

from integration.gateway.call import Call, Endpoint
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN, Form, Reading
from integration.gateway.endpoints.places import Slot
from integration.gateway.endpoints.request import Request
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.planning import Plan
from integration.gateway.usage import Json, read_usage


class Embeddings(Form):
    """`POST /v1/embeddings`."""

    endpoint = Endpoint.EMBEDDINGS
    asks_in_text = True

    def check(self, fields: Json) -> None:
        """Raise InvalidCall unless there is an input."""
        body.some(fields, "input")

    @override
    def sent_texts(self, fields: Json) -> list[Slot]:
        """The input, or all inputs."""
        return body.texts_or_refusal(fields, "input")

    def read(self, request: Request, _plan: Plan) -> Reading:
        """What the call asks for: nothing but its input is billed."""
        size = len(request.raw)
        return Reading(request, likely=Size(size // CHARACTERS_PER_TOKEN), most=Size(size))

    def usage(self, answer: Json, _call: Call, _unit: Unit) -> Usage | None:
        """The usage in a whole answer."""
        return read_usage(answer.get("usage"), produces=False)
