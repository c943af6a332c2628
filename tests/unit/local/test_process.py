"""Servers of the laptop on ports that others may take."""

import socket

import pytest

from local.process import StartError, on_free_port


async def test_a_port_that_somebody_took_meanwhile_is_left_to_them() -> None:
    tried: list[int] = []
    with socket.socket() as somebody:

        async def start(port: int) -> str:
            tried.append(port)
            if len(tried) == 1:
                somebody.bind(("127.0.0.1", port))
                somebody.listen()
                raise StartError("ended at once")
            return f"on {port}"

        assert await on_free_port(start) == f"on {tried[1]}"

    assert len(set(tried)) == 2


async def test_what_fails_for_another_reason_is_not_tried_again() -> None:
    tried: list[int] = []

    async def start(port: int) -> None:
        tried.append(port)
        raise StartError("no such program")

    with pytest.raises(StartError, match="no such program"):
        await on_free_port(start)
    assert len(tried) == 1


async def test_it_gives_up_where_every_port_is_taken() -> None:
    taken: list[socket.socket] = []

    async def start(port: int) -> None:
        taken.append(socket.create_server(("127.0.0.1", port)))
        raise StartError("ended at once")

    with pytest.raises(StartError, match="ended at once"):
        await on_free_port(start)
    assert len(taken) == 3
    for each in taken:
        each.close()
