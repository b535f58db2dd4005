"""The line to a server: it carries, it can be cut and mended, and it can swallow everything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from worker.chaos.line import Line
from worker.embedded import Servers

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[Line], Awaitable[Connection]]


class Echo:
    """A server that says everything back, and remembers who left."""

    def __init__(self) -> None:
        self.port = 0
        self.heard = b""
        self.left = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.heard += data
            writer.write(data)
        self.left += 1
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    yield echo
    server.close()


@pytest.fixture
async def line(echo: Echo) -> AsyncIterator[Line]:
    async with Line(f"redis://:secret@127.0.0.1:{echo.port}/0") as line:
        yield line


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Opens connections by a line; they are closed after the test."""
    writers = []

    async def connect(line: Line) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writers.append(writer)
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def said_back(connection: Connection, words: bytes) -> bytes:
    reader, writer = connection
    writer.write(words)
    async with asyncio.timeout(0.3):
        return await reader.readexactly(len(words))


async def until(echo: Echo, heard: bytes) -> None:
    async with asyncio.timeout(5):
        while echo.heard != heard:
            await asyncio.sleep(0.01)


async def test_it_carries_both_ways_however_much_it_is(line: Line, dial: Dial) -> None:
    connection = await dial(line)
    reader, writer = connection
    assert await said_back(connection, b"hello") == b"hello"
    much = b"x" * 3_000_000
    writer.write(much)
    async with asyncio.timeout(5):
        assert await reader.readexactly(len(much)) == much


async def test_a_farewell_is_carried_too(line: Line, echo: Echo, dial: Dial) -> None:
    connection = await dial(line)
    await said_back(connection, b"hello")
    connection[1].close()
    async with asyncio.timeout(5):
        while not echo.left:
            await asyncio.sleep(0.01)
    assert line.ends == set()


async def test_cut_it_refuses_and_mended_it_is_where_it_was(line: Line, dial: Dial) -> None:
    before, port = await dial(line), line.port
    await said_back(before, b"hello")
    await line.cut()
    with pytest.raises(OSError):  # noqa: PT011 -- refused or reset, as the system has it
        await dial(line)
    assert await before[0].read() == b""
    await line.mend()
    assert line.port == port
    assert await said_back(await dial(line), b"again") == b"again"


async def test_in_a_black_hole_only_new_connections_work(
    line: Line, echo: Echo, dial: Dial
) -> None:
    old = await dial(line)
    await said_back(old, b"before")
    hole = asyncio.create_task(line.black_hole(0.4))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await said_back(old, b"swallowed")
    assert await said_back(await dial(line), b"new") == b"new"
    await hole
    with pytest.raises(ConnectionError):  # its client hears of it at last
        await old[0].read()
    await until(echo, b"beforenew")
    assert echo.left == 0  # and the server never


async def test_muted_it_stays_open_and_carries_no_more_than_so_much(echo: Echo, dial: Dial) -> None:
    async with Line(f"redis://127.0.0.1:{echo.port}/0", mute_after=5) as line:
        connection = await dial(line)
        assert await said_back(connection, b"hello") == b"hello"
        with pytest.raises(TimeoutError):
            await said_back(connection, b"more")
        await until(echo, b"hellomore")
        assert await said_back(await dial(line), b"hello") == b"hello"


async def test_a_url_goes_by_the_line_with_its_user_and_password(servers: Servers) -> None:
    async with Line(servers.redis_url) as redis, Line(servers.database_url) as postgres:
        assert redis.url == servers.redis_url.rpartition("@")[0] + f"@127.0.0.1:{redis.port}/0"
        assert postgres.url == f"postgresql://orderline@127.0.0.1:{postgres.port}/orderline"
