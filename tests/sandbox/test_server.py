"""The sandbox as a server: doors, outages, the control pages, and a stop that never waits."""

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from worker.sandbox import Fault, Outage, Sandbox, magic_values, run
from worker.sandbox.remotes import REMOTES

DOORS = ["", *(remote.name for remote in REMOTES)]
BASKET = {"basketData": [{"DeliverID": "ref", "CustomerStoreProductID": 234, "Quantity": 1}]}


def free_ports(count: int) -> int:
    """The first of some neighbouring free ports."""
    for first in range(20_000, 30_000, count):
        held = [socket.socket() for _ in range(count)]
        try:
            for place, one in enumerate(held):
                one.bind(("127.0.0.1", first + place))
        except OSError:
            continue
        else:
            return first
        finally:
            for one in held:
                one.close()
    raise AssertionError("no free ports")


async def test_it_stops_at_once_while_calls_hang_drip_and_wait(gifthub: Any, until: Any) -> None:
    faults = [Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.LATE_ANSWER, Fault.SLOW_DRIP]
    async with Sandbox() as sandbox:
        gifthub.sandbox = sandbox
        sandbox.script("gifthub", "customer", faults)
        calls = [asyncio.create_task(gifthub._call("GET", "/customer/info", None)) for _ in faults]
        await until(lambda: sandbox.hits("gifthub") == len(faults))
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    answers = [answer.how for answer in await asyncio.gather(*calls)]
    assert answers.count("cut") >= 2
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert [task for task in left if "sandbox" in repr(task.get_coro())] == []


async def test_a_hang_ends_when_its_caller_leaves(
    gifthub: Any, sandbox: Sandbox, until: Any
) -> None:
    before = len(asyncio.all_tasks())
    sandbox.script("gifthub", "customer", [Fault.HANG_AFTER])
    assert (await gifthub("GET", "/customer/info")).how == "silence"
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_an_outage_refuses_the_connections_of_one_remote_only(
    hyper: Any, gifthub: Any, sandbox: Sandbox
) -> None:
    await sandbox.outage("hyperteknoloji", Outage.REFUSE)
    assert (await hyper("POST", "/Order/create", BASKET)).how == "refused"
    assert (await gifthub("GET", "/customer/info")).how == 200
    url = sandbox.url()
    await sandbox.outage("hyperteknoloji", seconds=0)
    assert (await hyper("POST", "/Order/create", BASKET)).how == 200
    assert sandbox.url() == url
    assert sandbox.hits("hyperteknoloji", "create") == 1


async def test_a_refusing_remote_drops_the_connections_it_had(sandbox: Sandbox) -> None:
    port = int(sandbox.url("gifthub").split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /gifthub/customer/info HTTP/1.1\r\nHost: sandbox\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 403")
    await reader.readuntil(b"}")
    await sandbox.outage("gifthub")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_on_the_main_port_a_refusing_remote_resets(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    main = sandbox.url().removesuffix("/_sandbox")
    async with session.get(f"{main}/gifthub/customer/info") as answer:
        assert answer.status == 403
    await sandbox.outage("gifthub", "refuse")
    with pytest.raises(aiohttp.ClientOSError):
        await session.get(f"{main}/gifthub/customer/info")
    assert sandbox.hits("gifthub", executed=False) == 1


@pytest.mark.parametrize(("mode", "how"), [("503", 503), ("dark", "silence")])
async def test_an_outage_answers_in_its_own_way_and_executes_nothing(
    mode: str, how: int | str, hyper: Any, sandbox: Sandbox
) -> None:
    await sandbox.outage("hyperteknoloji", mode)
    assert (await hyper("POST", "/Order/create", BASKET)).how == how
    assert sandbox.books.rows("hyperteknoloji") == []


async def test_an_outage_of_some_seconds_ends_by_itself(
    gifthub: Any, sandbox: Sandbox, until: Any
) -> None:
    await sandbox.outage("gifthub", "refuse", 0.05)
    assert (await gifthub("GET", "/customer/info")).how == "refused"
    await until(lambda: not sandbox._outages)
    assert (await gifthub("GET", "/customer/info")).how == 200


async def test_a_second_outage_replaces_the_first(gifthub: Any, sandbox: Sandbox) -> None:
    await sandbox.outage("gifthub", "refuse", 60)
    await sandbox.outage("gifthub", "503")
    assert sandbox._endings == {}
    assert (await gifthub("GET", "/customer/info")).how == 503


class Control:
    """The control pages, called as an outsider would."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
        self._session = session
        self._url = sandbox.url()

    async def __call__(self, method: str, page: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(method, f"{self._url}/{page}", json=body) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def control(session: aiohttp.ClientSession, sandbox: Sandbox) -> Control:
    return Control(session, sandbox)


async def test_the_state_page_shows_the_books(hyper: Any, control: Control) -> None:
    for _ in range(2):
        await hyper("POST", "/Order/create", BASKET)
    _, state = await control("GET", "state")
    mine = state["hyperteknoloji"]
    assert (mine["lines"], mine["live"], mine["duplicates"]) == (2, 2, {"ref": 2})
    assert [row["price"] for row in mine["rows"]] == ["19.90", "19.90"]
    _, counts = await control("GET", "state?rows=0")
    assert "rows" not in counts["hyperteknoloji"]


async def test_the_journal_page_shows_calls_and_faults(
    hyper: Any, control: Control, sandbox: Sandbox
) -> None:
    sandbox.script("hyperteknoloji", "create", [Fault.CUT_BEFORE])
    await hyper("POST", "/Order/create", BASKET)
    _, entries = await control("GET", "journal?remote=hyperteknoloji&last=1")
    (entry,) = entries
    assert (entry["path"], entry["executed"], entry["fault"]) == (
        "/Order/create",
        False,
        "cut_before",
    )
    assert await control("GET", "journal?remote=gifthub") == (200, [])
    assert (await control("GET", "journal?last=x"))[0] == 400


async def test_reset_forgets_everything(hyper: Any, control: Control, sandbox: Sandbox) -> None:
    await hyper("POST", "/Order/create", BASKET)
    await control("POST", "reset")
    assert sandbox.books.rows("hyperteknoloji") == []
    assert sandbox.hits("hyperteknoloji") == 0


async def test_an_outage_can_be_had_from_outside(gifthub: Any, control: Control) -> None:
    await control("POST", "outage", {"remote": "gifthub", "seconds": None, "mode": "refuse"})
    assert (await gifthub("GET", "/customer/info")).how == "refused"
    await control("POST", "outage", {"remote": "gifthub", "seconds": 0})
    assert (await gifthub("GET", "/customer/info")).how == 200


@pytest.mark.parametrize(
    "wish", [None, [], {}, {"remote": "nobody"}, {"remote": "gifthub", "mode": "odd"}]
)
async def test_an_outage_that_makes_no_sense_is_refused(wish: Any, control: Control) -> None:
    assert (await control("POST", "outage", wish))[0] == 400


async def test_the_magic_page_documents_every_magic_value(control: Control) -> None:
    _, magic = await control("GET", "magic")
    assert magic["gifthub"] == dict(magic_values("gifthub"))
    assert magic["hyperteknoloji"]["2"] == "refused, HTTP 200: out of stock"
    with pytest.raises(KeyError):
        magic_values("nobody")


async def test_accounts_can_be_configured_from_what_the_sandbox_says(
    control: Control, sandbox: Sandbox
) -> None:
    _, accounts = await control("GET", "accounts")
    assert accounts == sandbox.account_settings()
    assert accounts["hyperteknoloji"]["default"]["base_url"] == sandbox.url("hyperteknoloji")


async def test_a_lost_caller_is_told_what_there_is(
    control: Control, session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    status, lost = await control("GET", "nowhere")
    assert (status, any("journal" in line for line in lost["message"])) == (404, True)
    async with session.get(sandbox.url().removesuffix("_sandbox")) as answer:
        assert "hyperteknoloji" in (await answer.json())["message"]


async def test_on_a_fixed_port_the_remotes_take_the_next_ones(
    session: aiohttp.ClientSession,
) -> None:
    port = free_ports(len(DOORS))
    serving = asyncio.create_task(run("127.0.0.1", port))
    accounts: Any = None
    async with asyncio.timeout(20):
        while accounts is None:
            with suppress(aiohttp.ClientConnectorError):
                async with session.get(f"http://127.0.0.1:{port}/_sandbox/accounts") as answer:
                    accounts = await answer.json()
    for place, name in enumerate(DOORS[1:], start=1):
        assert accounts[name]["default"]["base_url"] == f"http://127.0.0.1:{port + place}/{name}"
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    first = free_ports(len(DOORS))
    with socket.create_server(("127.0.0.1", first + 1)):
        with pytest.raises(OSError, match="address already in use"):
            await Sandbox(port=first).__aenter__()
        with socket.create_server(("127.0.0.1", first)):
            pass


async def test_it_runs_from_the_command_line_until_interrupted() -> None:
    command = ["-m", "worker.sandbox", "--port", str(free_ports(len(DOORS)))]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(30):
        said = [await process.stderr.readline() for _ in DOORS]
        process.send_signal(signal.SIGINT)
        assert await process.stderr.read() == b""
        assert await process.wait() == 0
    for name, line in zip(DOORS[1:], said[1:], strict=True):
        assert f"sandbox of {name} at http://127.0.0.1:".encode() in line
