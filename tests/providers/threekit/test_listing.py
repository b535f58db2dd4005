"""Finding our order in Threekit's list, however the list is cut into pages."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.answers import patient, replies, reply
from tests.providers.threekit.test_adapter import SENT
from tests.providers.threekit.test_wire import ID, KEY, ORDER, PLACED, cart, recorded
from tests.providers.trial import ample, an_attempt
from worker.http import Channel, Reply
from worker.outcome import Absent, Confirmed, InDoubt, LookUp, NotSent
from worker.providers.threekit import listing
from worker.providers.threekit.adapter import MAX_PAGES, Threekit, ThreekitAccount

Pages = Callable[[dict[str, str]], Any]
Ask = Callable[[Pages], Awaitable[LookUp]]

FOREIGN: Final = {"clientOrderKey": "somebody else's"}


def page(*orders: Any, **fields: Any) -> dict[str, Any]:
    about = {"count": len(orders), "page": 1, "perPage": 100, "sort": "-createdAt"}
    return {**about, "orders": list(orders), **fields}


def finding(*documents: Any) -> LookUp:
    """What a list of these pages comes to."""
    read = listing.Listing(ORDER)
    for document in documents:
        one = listing.read_page(reply(200, document))
        assert isinstance(one, listing.Page)
        read.add(one)
    return read.finding(ended=True, until_complete=False)


# --- which order is ours -------------------------------------------------------------------------


@patient
@given(replies(page(recorded(), recorded(id="2", metadata=FOREIGN))))
def test_any_page_is_survived_and_only_a_readable_one_counts(answer: Reply) -> None:
    read = listing.read_page(answer)
    if not isinstance(read, listing.Page):
        assert isinstance(read, NotSent | InDoubt)
        return
    assert answer.status == 200
    whole = listing.Listing(ORDER)
    whole.add(read)
    found = whole.finding(ended=True, until_complete=False)
    if isinstance(found, Confirmed):
        held = [one for one in read.orders if str(one["id"]) == found.provider_ref]
        assert held[0]["metadata"]["clientOrderKey"] == KEY
    elif isinstance(found, Absent):
        first = {str(one["id"]): one for one in reversed(read.orders)}  # each order counts once
        assert KEY not in json.dumps([one.get("metadata") for one in first.values()], default=str)


def test_an_order_that_bears_our_key_is_ours() -> None:
    found = finding(page(recorded(id="2", metadata=FOREIGN), recorded()))
    assert isinstance(found, Confirmed)
    assert (found.provider_ref, found.surplus) == (PLACED.provider_ref, ())
    assert found.lines[0].details == {"short_id": "AbC12x"}


@pytest.mark.parametrize("texts", [FOREIGN, {}, None, "none", {"clientOrderKey": None}])
def test_an_order_of_the_same_shop_order_without_our_key_is_anothers(texts: Any) -> None:
    assert isinstance(finding(page(recorded(metadata=texts))), Absent)


def test_a_list_that_shows_no_metadata_proves_nothing() -> None:
    bare = recorded()
    del bare["metadata"]
    assert isinstance(finding(page(bare)), InDoubt)
    assert isinstance(finding(page(bare | {"platform": {**SENT, "id": "10078"}})), Absent)


def test_our_key_under_another_platform_is_not_made_sense_of() -> None:
    found = finding(page(recorded(platform={**SENT, "id": "10078"})))
    assert isinstance(found, InDoubt)
    assert "another platform id" in found.reason


def test_a_platform_id_that_came_back_as_a_number_is_the_same() -> None:
    assert isinstance(finding(page(recorded(platform={**SENT, "id": 10077}))), Confirmed)


def test_of_several_the_oldest_is_ours_and_the_others_are_surplus() -> None:
    ages = {"2": "2024-01-01T10:00:00.500Z", "1": "2024-01-01T12:00:00+02:00", "3": None}
    orders = [recorded(id=one, createdAt=at) for one, at in ages.items()]
    found = finding(page(*orders))
    assert isinstance(found, Confirmed)
    assert (found.provider_ref, found.surplus) == ("1", ("2", "3"))


def test_a_whole_order_goes_before_an_older_one_without_its_lines() -> None:
    broken = recorded(id="1", createdAt="2024-01-01T10:00:00Z", cart=cart(count=9))
    whole = recorded(id="2", createdAt="2024-01-02T10:00:00Z")
    found = finding(page(broken, whole))
    assert isinstance(found, Confirmed)
    assert (found.provider_ref, found.surplus) == ("2", ("1",))


def test_an_order_of_ours_without_its_lines_is_doubt_never_absence() -> None:
    assert isinstance(finding(page(recorded(cart=[]))), InDoubt)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"orders": None},
        {"orders": {}},
        {"orders": [recorded(), None]},
        {"orders": [recorded(id=None)]},
        [recorded(), "order"],
        recorded(),
    ],
)
def test_a_list_that_cannot_be_read_whole_is_no_list(document: Any) -> None:
    assert isinstance(listing.read_page(reply(200, document)), InDoubt)


@pytest.mark.parametrize("status", [201, 206, 404, 500])
def test_only_200_is_a_list(status: int) -> None:
    assert isinstance(listing.read_page(reply(status, page())), InDoubt)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_list_that_is_denied_is_asked_for_again(status: int) -> None:
    assert isinstance(listing.read_page(reply(status, page())), NotSent)


# --- pages ---------------------------------------------------------------------------------------


def stranger(number: int) -> dict[str, Any]:
    return recorded(id=f"other-{number}", metadata=FOREIGN)


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Looks up against a remote that answers what the test's pages say."""
    servers: list[TestServer] = []

    async def look_up(pages: Pages) -> LookUp:
        async def serve(request: web.Request) -> web.Response:
            assert len(queries) < 2 * MAX_PAGES, "the look-up never ends"
            queries.append(dict(request.query))
            return web.json_response(pages(dict(request.query)))

        queries: list[dict[str, str]] = []
        app = web.Application()
        app.router.add_get("/api/orders", serve)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        url = str(servers[-1].make_url("/"))
        account = ThreekitAccount.model_validate({"base_url": url, "token": "t0ken"})
        async with Channel(url) as channel:
            return await Threekit(account, channel).look_up(ORDER, an_attempt(), ample(), None)

    yield look_up
    for server in servers:
        await server.close()


ALL: Final = [*map(stranger, range(5)), recorded()]
"""Six orders, ours the last."""


@pytest.mark.parametrize("first", [0, 1], ids=["from 0", "from 1"])
@pytest.mark.parametrize("per_page", [1, 2, 3, 4, 5, 6, 7])
async def test_every_page_is_read_however_pages_are_counted(
    ask: Ask, first: int, per_page: int
) -> None:
    def pages(query: dict[str, str]) -> Any:
        number = int(query.get("page", first))
        start = (number - first) * per_page
        shown = ALL[start : start + per_page]
        return page(*shown, count=len(ALL), page=number, perPage=per_page)

    found = await ask(pages)
    assert isinstance(found, Confirmed)
    assert found.provider_ref == ID


async def test_a_bare_array_may_be_the_whole_list(ask: Ask) -> None:
    found = await ask(lambda _: ALL)
    assert isinstance(found, Confirmed)
    assert found.surplus == ()
    assert isinstance(await ask(lambda _: ALL[:-1]), Absent)
    assert isinstance(await ask(lambda _: []), Absent)


async def test_bare_arrays_may_come_page_by_page(ask: Ask) -> None:
    def pages(query: dict[str, str]) -> Any:
        start = (int(query.get("page", 1)) - 1) * 4
        return ALL[start : start + 4]

    assert isinstance(await ask(pages), Confirmed)


async def test_a_list_shorter_than_it_counts_proves_no_absence(ask: Ask) -> None:
    found = await ask(lambda _: page(*ALL[:3], count=6, perPage=3))
    assert isinstance(found, InDoubt)
    assert "fewer orders than it counts" in found.reason


async def test_an_order_that_is_shown_is_there_however_many_are_not_shown(ask: Ask) -> None:
    found = await ask(lambda _: page(*ALL[-3:], count=7, perPage=3))
    assert isinstance(found, Confirmed)
    assert found.evidence.body == "3 of 7 orders of this platform were read"


@pytest.mark.parametrize("ours_is_shown", [False, True])
async def test_a_list_without_end_is_not_read_for_ever(ask: Ask, *, ours_is_shown: bool) -> None:
    def pages(query: dict[str, str]) -> Any:
        number = int(query.get("page", 1))
        shown = recorded() if ours_is_shown and number == 2 else stranger(number)
        return page(shown, count=10**6, page=number, perPage=1)

    found = await ask(pages)
    if ours_is_shown:
        assert isinstance(found, Confirmed)
    else:
        assert isinstance(found, InDoubt)
        assert "longer than is read" in found.reason


async def test_a_later_page_that_fails_proves_nothing(ask: Ask) -> None:
    def pages(query: dict[str, str]) -> Any:
        return {} if "page" in query else page(*ALL[:3], count=6, perPage=3)

    assert isinstance(await ask(pages), InDoubt)


@patient
@given(st.permutations(range(6)), st.integers(1, 7))
def test_an_order_is_found_wherever_it_is_listed(places: list[int], per_page: int) -> None:
    orders = [ALL[place] for place in places]
    cut = [orders[start : start + per_page] for start in range(0, 6, per_page)]
    assert isinstance(finding(*(page(*one, count=6, perPage=per_page) for one in cut)), Confirmed)
