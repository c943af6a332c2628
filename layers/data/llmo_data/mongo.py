"""MongoDB: one client per process."""

from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

type Document = dict[str, Any]

_TIMEOUT_MS = 5_000


def connect(uri: str, database: str) -> AsyncDatabase[Document]:
    """A database of the server at `uri`. It connects at the first use; times come back timezone-aware in UTC.

    Close it with `await database.client.close()`.
    """
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        uri,
        tz_aware=True,
        uuidRepresentation="standard",
        serverSelectionTimeoutMS=_TIMEOUT_MS,
        connectTimeoutMS=_TIMEOUT_MS,
        maxPoolSize=10,
        # As PyMongo chooses by itself on Lambda. Streaming takes a second connection per server only to measure the
        # round trip, and a client that is closed while it connects leaves that socket open.
        serverMonitoringMode="poll",
    )
    return client.get_database(database, CodecOptions(tz_aware=True, uuid_representation=4))
