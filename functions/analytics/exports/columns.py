"""What exports have of each raw event: columns of files, in this order, and the fields that they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from analytics.exports.models import What


@dataclass(frozen=True, slots=True)
class Source:
    """A collection of raw events.

    Attributes:
        moment: The field that ranges are of.
        columns: Names of a file's columns, and what they hold: a kind of `llmo_documents.tables`.
        criteria: Fields that orders can ask for, by the names that they have there.
    """

    collection: str
    moment: str
    columns: Sequence[tuple[str, str]]
    criteria: Mapping[str, str]
    renamed: Mapping[str, str] = MappingProxyType({})

    @property
    def fields(self) -> Sequence[str]:
        """The fields of the columns, in their order."""
        return [self.renamed.get(name, name) for name, _ in self.columns]


SOURCES: Final[Mapping[What, Source]] = MappingProxyType(
    {
        What.USAGE: Source(
            collection="usage_events",
            moment="started_at",
            columns=[
                ("id", "text"),
                ("started_at", "moment"),
                ("request_id", "text"),
                ("project_id", "text"),
                ("key_id", "text"),
                ("endpoint", "text"),
                ("requested_model", "text"),
                ("model", "text"),
                ("provider", "text"),
                ("connection", "text"),
                ("route", "text"),
                ("variant", "text"),
                ("prompt", "text"),
                ("end_user", "text"),
                ("tags", "text"),
                ("batch", "text"),
                ("status", "text"),
                ("http_status", "integer"),
                ("error_code", "text"),
                ("stream", "flag"),
                ("cache", "text"),
                ("cache_match", "text"),
                ("attempts", "integer"),
                ("input_tokens", "integer"),
                ("cached_input_tokens", "integer"),
                ("output_tokens", "integer"),
                ("reasoning_tokens", "integer"),
                ("spared_input_tokens", "integer"),
                ("estimated", "flag"),
                ("cost_usd", "decimal"),
                ("saved_usd", "decimal"),
                ("price_version", "text"),
                ("latency_ms", "number"),
                ("ttft_ms", "number"),
                ("output_tokens_per_second", "number"),
            ],
            criteria={
                **{name: name for name in ("project_id", "key_id", "model", "provider", "status", "route", "end_user")},
                "tag": "tags",
            },
            renamed={"id": "_id"},
        ),
        What.EVENTS: Source(
            collection="tracked_events",
            moment="timestamp",
            columns=[
                ("id", "text"),
                ("timestamp", "moment"),
                ("received_at", "moment"),
                ("name", "text"),
                ("project_id", "text"),
                ("key_id", "text"),
                ("origin", "text"),
                ("user_id", "text"),
                ("anonymous_id", "text"),
                ("session_id", "text"),
                ("skew_ms", "integer"),
                ("schema_version", "integer"),
                ("properties", "text"),
            ],
            criteria={"project_id": "project_id", "key_id": "key_id", "name": "name", "end_user": "user_id"},
            renamed={"id": "event_id"},
        ),
    }
)
"""Where raw events are."""
