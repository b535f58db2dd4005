"""From the provider through the gateway to the producer: a callback over real HTTP, all the way."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from tests.builders import a_claimed
from tests.gateway.conftest import serving_at
from tests.stories.conftest import Story, _from_now, a_story, gifthub, hyper
from worker.order_tokens import CallbackUrls
from worker.runtime import open_tokens
from worker.sandbox.remotes.hyperteknoloji.remote import CALLBACK_API_KEY
from worker.steps.hear import hear
from worker.store.callbacks import Heard
from worker.streams import CALLBACKS, CallbackStream

FIRST_POLL = timedelta(seconds=3)
PACE = timedelta(seconds=5)


@dataclass
class Site:
    """A story whose providers reach a gateway."""

    story: Story
    url: str
    http: httpx.AsyncClient
    redis: Redis
    stream: CallbackStream
    bodies: list[bytes] = field(default_factory=list)

    async def until_heard(self, count: int) -> list[Heard]:
        """Wait for so many callbacks on the stream, and take them in as a worker does."""
        async with asyncio.timeout(10):
            while await self.redis.xlen(CALLBACKS) < count:
                await asyncio.sleep(0.02)
        read = await self.stream.read(count=100, block_ms=10)
        heard = await hear(read, self.story.engine.rt)
        await self.stream.done(read)
        self.bodies += [self.story.engine.rt.vault.unseal(each.sealed) for each in read]
        return heard

    async def path(self, intent_id: str, provider: str) -> str:
        """Where the provider calls back about an order."""
        order_id = await self.story.one("SELECT id FROM orders WHERE intent_id = :i", i=intent_id)
        tokens = open_tokens(self.story.engine.rt.settings)
        return CallbackUrls(self.url, tokens, provider, "default").url_of(order_id)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Where the gateway will be, known before it is."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


Opened = Callable[..., Any]


@pytest.fixture
def opened(
    database_url: str,
    redis_url: str,
    set_clock: Callable[[timedelta], None],
    listening: socket.socket,
) -> Opened:
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    @asynccontextmanager
    async def open_site(*, by_account: bool = False) -> AsyncIterator[Site]:
        told = f"{url}/callbacks/hyperteknoloji/default"
        more: dict[str, Any] = (
            {"fields": {"hyperteknoloji": {"notify_url": told}}}
            if by_account
            else {"public_url": url}
        )
        async with AsyncExitStack() as stack:
            story = await stack.enter_async_context(
                a_story(database_url, redis_url, set_clock, _from_now, callbacks=True, **more)
            )
            brief = {"grace": timedelta(seconds=1), "gateway_callbacks_per_minute": 10**9}
            given_to_it = story.engine.rt.settings.model_copy(update=brief)
            await stack.enter_async_context(serving_at(given_to_it, listening))
            http = await stack.enter_async_context(httpx.AsyncClient())
            redis = await stack.enter_async_context(Redis.from_url(redis_url))
            yield Site(story, url, http, redis, CallbackStream(redis, "host:1"))

    return open_site


async def until_placed(story: Story, *intents: dict[str, Any]) -> None:
    """Have orders placed whose goods come later, and their first polls made, too early."""
    await story.submit(*intents)
    await story.work()
    await story.pass_time(FIRST_POLL)
    await story.work()
    for intent in intents:
        assert await story.state(intent["intent_id"]) == "placed"


async def test_an_order_is_fulfilled_when_its_provider_calls_back_at_its_own_url(
    opened: Opened,
) -> None:
    async with opened() as site:
        story = site.story
        await until_placed(story, hyper("h", 5), gifthub("g", "sandbox-slow"))
        await story.pass_time(PACE - FIRST_POLL)
        await story.work()
        assert [await story.state(one) for one in "hg"] == ["placed", "placed"]
        heard = await site.until_heard(2)
        assert {each.provider for each in heard} == {"hyperteknoloji", "gifthub"}
        await story.work()
        assert [await story.state(one) for one in "hg"] == ["fulfilled", "fulfilled"]
        assert story.told("h-1") == ["accepted", "delivered"]
        assert story.told("g-1")[-1] == "delivered"

        before = await story.all("SELECT * FROM orders ORDER BY id")
        for body in site.bodies:  # doubled, late and out of order
            await site.http.post(await site.path("g", "gifthub"), content=body)
        await site.until_heard(2)
        await story.work()
        assert await story.all("SELECT * FROM orders ORDER BY id") == before


async def test_an_order_is_fulfilled_when_its_provider_calls_back_at_the_accounts_url(
    opened: Opened,
) -> None:
    async with opened(by_account=True) as site:
        await until_placed(site.story, hyper("h", 5))
        await site.story.pass_time(PACE - FIRST_POLL)
        (heard,) = await site.until_heard(1)
        await site.story.work()
        assert await site.story.state("h") == "fulfilled"
        assert (heard.provider, heard.account) == ("hyperteknoloji", "default")


async def test_what_is_forged_or_foreign_changes_nothing_and_what_lies_is_not_believed(
    opened: Opened,
) -> None:
    async with opened() as site:
        story = site.story
        await until_placed(story, hyper("h", 38), gifthub("g", "sandbox-slow"))  # h: for ever
        before = await story.all("SELECT id, state, due_at FROM orders ORDER BY id")
        ref = await story.one("SELECT line_ref FROM lines WHERE deliver_id = 'h-1'")
        lie = json.dumps({"DeliverID": ref, "reference": ref, "Status": 1, "DeliveryData": ["X"]})
        proof = {"apikey": CALLBACK_API_KEY}
        own, foreign = await site.path("h", "hyperteknoloji"), await site.path("g", "gifthub")
        forged = [
            (own, {}),
            (own, {"apikey": "guessed"}),
            (own[:-1] + "!", proof),
            (f"{site.url}/callbacks/hyperteknoloji/default", {"apikey": "guessed"}),
            (f"{site.url}/callbacks/gifthub/default", proof),
        ]
        for url, headers in forged:
            answer = await site.http.post(url, content=lie, headers=headers)
            assert answer.status_code in {400, 404}
        assert await site.redis.xlen(CALLBACKS) == 0

        # By another order's URL it is that other order that is looked at.
        assert (await site.http.post(foreign, content=lie)).status_code == 200
        (heard,) = await site.until_heard(1)
        assert heard.provider == "gifthub"
        await story.work()
        states = "SELECT id, state FROM orders ORDER BY id"
        assert await story.all(states) == [(order, state) for order, state, _ in before]

        # By its own it is asked about, and the provider says that nothing was delivered.
        assert (await site.http.post(own, content=lie, headers=proof)).status_code == 200
        assert len(await site.until_heard(1)) == 1
        await story.work()
        assert await story.all(states) == [(order, state) for order, state, _ in before]
        assert story.told("h-1") == ["accepted"]


async def test_a_genuine_url_with_nonsense_looks_at_its_order(opened: Opened) -> None:
    async with opened() as site:
        await until_placed(site.story, gifthub("g", "sandbox-slow"))
        url = await site.path("g", "gifthub")
        for body in (b"\xff", b"", b"[]", b'{"reference": 7}'):
            assert (await site.http.post(url, content=body)).status_code == 200
        heard = await site.until_heard(4)
        assert len({each.order_id for each in heard}) == 1


@pytest.mark.slow
async def test_a_callback_before_the_answer_is_acted_on_when_the_call_is_over(
    opened: Opened,
) -> None:
    async with opened() as site:
        await site.story.submit(hyper("h", 29))  # executed at once, answered one pace later
        working = asyncio.create_task(site.story.work())
        assert len(await site.until_heard(1)) == 1
        await working
        await site.story.play()
        assert await site.story.state("h") == "fulfilled"
        assert site.story.told("h-1")[-1] == "delivered"
        assert site.story.bought() == 1


async def test_an_orders_own_url_is_kept_nowhere(opened: Opened) -> None:
    async with opened() as site:
        story = site.story
        await story.submit(hyper("h"), hyper("r", 31), gifthub("g"))  # r is refused, with words
        await story.play()
        for intent_id, provider in (("h", "hyperteknoloji"), ("g", "gifthub")):
            token = (await site.path(intent_id, provider)).rpartition("/")[2].partition(".")[2]
            for table in ("orders", "lines", "attempts", "events", "notifications", "deliveries"):
                rows = await story.all(f"SELECT t::text FROM {table} t")  # noqa: S608 -- ours
                assert token not in str(rows)
            journal = str([each.as_json() for each in story.sandbox.journal.entries])
            assert token not in journal


def test_a_claimed_orders_own_url_is_not_in_its_repr() -> None:
    ordered = replace(a_claimed().order, callback_url="https://gw.example/callbacks/x/secret")
    assert "secret" not in repr(ordered)


# --- whatever is sent --------------------------------------------------------------------------

_REFS: Final = [b"LINE_REF", b"ORDER_ID"]
"""Stand for the references of a living order."""

KEYS: Final = st.sampled_from(["DeliverID", "deliverid", "reference", "orderId", "Status"])
JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from([ref.decode() for ref in _REFS]),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner),
    max_leaves=10,
)
BODIES: Final = st.binary() | JSON.map(lambda value: json.dumps(value).encode())
AT_ONCE: Final = 10


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_whatever_is_sent_is_taken_in_and_changes_no_order(
    opened: Opened, count: int
) -> None:
    async with opened() as site:
        story, proof = site.story, {"apikey": CALLBACK_API_KEY}
        await until_placed(story, hyper("h", 38), gifthub("g", "sandbox-forever"))
        before = await story.all("SELECT id, state, provider_ref FROM orders ORDER BY id")
        line_ref = await story.one("SELECT line_ref FROM lines WHERE deliver_id = 'h-1'")
        refs = {b"LINE_REF": line_ref.encode(), b"ORDER_ID": before[0].id.hex.encode()}
        urls = [
            await site.path("h", "hyperteknoloji"),
            f"{site.url}/callbacks/hyperteknoloji/default",
            await site.path("g", "gifthub"),
        ]
        sent = await asyncio.to_thread(_send_anything, urls, proof, refs, count)
        assert sent >= count
        assert await site.redis.xlen(CALLBACKS) == sent
        async with asyncio.timeout(120):
            while await site.redis.xlen(CALLBACKS):
                await site.until_heard(1)
        assert len(site.bodies) == sent
        after = await story.all("SELECT id, state, provider_ref FROM orders ORDER BY id")
        assert after == before


def _send_anything(
    urls: list[str], proof: dict[str, str], refs: dict[bytes, bytes], count: int
) -> int:
    """Send at least so many bodies that nobody would think of; how many were taken."""
    taken = 0

    @settings(max_examples=count // AT_ONCE, database=None, phases=[Phase.generate])
    @given(bodies=st.lists(BODIES, min_size=AT_ONCE, max_size=AT_ONCE))
    def send(bodies: list[bytes]) -> None:
        nonlocal taken
        for number, body in enumerate(bodies):
            for ref, real in refs.items():
                body = body.replace(ref, real)  # noqa: PLW2901 -- the body that is meant
            answer = http.post(urls[number % len(urls)], content=body, headers=proof)
            assert answer.status_code == 200
            taken += 1

    with httpx.Client(timeout=30) as http:
        send()
        while taken < count:  # where the examples ran out early
            send()
    return taken
