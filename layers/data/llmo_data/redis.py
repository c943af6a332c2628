"""Redis or Valkey: one client per process."""

from redis.asyncio import BlockingConnectionPool, Redis

_CONNECT_TIMEOUT_SECONDS = 2.0
_TIMEOUT_SECONDS = 2.0


def connect(url: str, *, max_connections: int = 10) -> Redis:
    """A client of the server at `url` (`redis://` or `rediss://`), with bytes in and out.

    It connects at the first use. When all connections are busy a caller waits for one, where redis-py's default pool
    would raise. Close it with `await client.aclose()`.
    """
    return Redis.from_pool(
        BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
        )
    )
