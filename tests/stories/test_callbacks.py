"""What a provider says by itself makes us look again, and is never believed for itself."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.stories.conftest import Story, gifthub, hyper
from worker.decisions.resolutions import Decision, Resolution
from worker.sandbox import Fault
from worker.steps.hear import hear
from worker.steps.resolve import Undecidable, resolve
from worker.store.callbacks import Callback, Heard

PACE = timedelta(seconds=5)
ASLEEP = timedelta(minutes=5)

_EVENTS = "SELECT type FROM events WHERE line_id IS NULL ORDER BY id"


class Callbacks:
    """Callbacks as the stream would give them."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._count = 0

    async def say(
        self, provider: str, body: Any, account: str = "default", order: str = ""
    ) -> list[Heard]:
        self._count += 1
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        callback = Callback(
            stream="stream",
            entry_id=f"{self._count}-0",
            provider=provider,
            account=account,
            order=order,
            sealed=self._story.engine.rt.vault.seal(raw),
        )
        return await hear([callback], self._story.engine.rt)

    async def delivered(self) -> list[Heard]:
        """Hyperteknoloji says that the only line there is was delivered."""
        ref = await self._story.one("SELECT line_ref FROM lines")
        return await self.say("hyperteknoloji", {"DeliverID": ref, "Status": 1})


@pytest.fixture
def callbacks(story: Story) -> Callbacks:
    return Callbacks(story)


async def test_a_callback_brings_the_next_poll_forward(story: Story, callbacks: Callbacks) -> None:
    await story.submit(hyper("h", 5), gifthub("g", "sandbox-slow"))  # delivered one pace later
    await story.work()
    await story.pass_time(timedelta(seconds=3))  # the first polls come too early
    await story.work()
    assert [await story.state(one) for one in "hg"] == ["placed", "placed"]
    await story.pass_time(PACE - timedelta(seconds=3))
    await story.work()
    assert await story.state("h") == "placed"  # its next poll is far away

    ref = await story.one("SELECT line_ref FROM lines WHERE deliver_id = 'h-1'")
    (heard,) = await callbacks.say("hyperteknoloji", {"DeliverID": ref, "Status": 1})
    reference = await story.one("SELECT replace(id::text, '-', '') FROM orders WHERE intent_id='g'")
    await callbacks.say("gifthub", {"orderId": "x", "reference": reference, "orderState": "failed"})
    await story.work()
    assert [await story.state(one) for one in "hg"] == ["fulfilled", "fulfilled"]
    assert (heard.provider, heard.account) == ("hyperteknoloji", "default")


async def test_a_callback_that_lies_changes_nothing(story: Story, callbacks: Callbacks) -> None:
    await story.submit(hyper("h", 38))  # processed for ever
    await story.work()
    await callbacks.delivered()
    await story.work()
    assert await story.state("h") == "placed"
    assert story.told("h-1") == ["accepted"]


async def test_a_callback_before_the_answer_is_acted_on_when_the_call_is_over(
    story: Story, callbacks: Callbacks
) -> None:
    story.sandbox.script("hyperteknoloji", "create", [Fault.HANG_AFTER])
    await story.submit(hyper("h"))
    working = asyncio.create_task(story.work())
    while not story.sandbox.hits("hyperteknoloji", "create"):
        await asyncio.sleep(0.01)
    assert await callbacks.delivered()
    await working  # the call's outcome is unknown; it is looked up without any waiting
    await story.work()
    assert await story.state("h") == "placed"
    assert story.told("h-1") == ["in_doubt", "accepted"]


async def test_doubled_stale_and_late_callbacks_do_no_harm(
    story: Story, callbacks: Callbacks
) -> None:
    await story.submit(hyper("h"))
    await story.play()
    assert await story.state("h") == "fulfilled"
    before = await story.all("SELECT * FROM orders")
    for _ in range(3):
        assert await callbacks.delivered() == []
    await story.work()
    assert await story.all("SELECT * FROM orders") == before
    assert "order.called_back" not in [type_ for (type_,) in await story.all(_EVENTS)]


async def test_the_same_entry_read_twice_is_told_once_in_the_orders_story(
    story: Story, callbacks: Callbacks
) -> None:
    await story.submit(hyper("h", 38))
    await story.work()
    await callbacks.delivered()
    callbacks._count = 0  # the worker died before it removed the entry
    await callbacks.delivered()
    assert [type_ for (type_,) in await story.all(_EVENTS)].count("order.called_back") == 1


async def test_what_came_by_an_orders_own_url_is_about_that_order_only(
    story: Story, callbacks: Callbacks
) -> None:
    await story.submit(hyper("h", 38), hyper("other", 38))
    await story.work()
    find = "SELECT replace(id::text, '-', '') FROM orders WHERE intent_id = :i"
    own = await story.one(find, i="h")
    ref = await story.one("SELECT line_ref FROM lines WHERE deliver_id = 'other-1'")
    for body in ({"DeliverID": ref}, b"\xff", b""):
        (heard,) = await callbacks.say("hyperteknoloji", body, order=own)
        assert heard.order_id.hex == own
    assert await callbacks.say("hyperteknoloji", b"{}", "another", own) == []
    assert await callbacks.say("gifthub", b"{}", order=own) == []
    for nonsense in ("no id", "0" * 32, ref):
        assert await callbacks.say("hyperteknoloji", {"DeliverID": ref}, order=nonsense) == []


@pytest.mark.parametrize(
    ("provider", "account", "body"),
    [
        ("hyperteknoloji", "default", b"\xff"),
        ("hyperteknoloji", "default", b'{"DeliverID": 7}'),
        ("hyperteknoloji", "default", b'{"DeliverID": "nobody\'s"}'),
        ("hyperteknoloji", "another", None),
        ("gifthub", "default", None),
        ("adobe_vipm", "default", None),
        ("nobody", "default", None),
    ],
)
async def test_what_names_no_order_of_that_account_is_dropped(
    story: Story, callbacks: Callbacks, provider: str, account: str, body: bytes | None
) -> None:
    await story.submit(hyper("h", 38))
    await story.work()
    ref = await story.one("SELECT line_ref FROM lines")
    said = body or json.dumps({"DeliverID": ref, "reference": ref}).encode()
    assert await callbacks.say(provider, said, account) == []


async def test_a_callback_takes_an_order_out_of_doubt_that_was_parked(
    story: Story, callbacks: Callbacks
) -> None:
    await story.submit(hyper("h", 18))  # executed and cut, and listed one pace later
    await story.work()
    for number in range(1, 6):
        story.set_clock(number * ASLEEP)  # for us alone: to the provider it is still just now
        await story.work()
    assert await story.state("h") == "parked"
    assert story.told("h-1") == ["in_doubt"]

    await callbacks.delivered()
    await story.work()
    assert await story.state("h") == "parked"  # a list without it proves as little as before
    assert await story.one("SELECT look_ups FROM attempts") > 4

    await story.pass_time(6 * ASLEEP)
    await callbacks.delivered()
    await story.play()
    assert await story.state("h") == "fulfilled"
    assert story.told("h-1") == ["in_doubt", "accepted", "delivered"]


async def test_what_a_callback_says_is_looked_up_before_anybody_has_it_bought_again(
    story: Story, callbacks: Callbacks
) -> None:
    await story.submit(hyper("h", 18))  # executed and cut, and listed one pace later
    await story.work()
    for number in range(1, 6):
        story.set_clock(number * ASLEEP)
        await story.work()
    await story.pass_time(6 * ASLEEP)
    await callbacks.delivered()
    again = Decision(resolution=Resolution.RESEND, by="ada", why="not there an hour ago")
    with pytest.raises(Undecidable, match="looked up"):
        await resolve(await story.one("SELECT id FROM orders"), again, story.engine.rt)
    await story.play()
    assert (await story.state("h"), story.bought()) == ("fulfilled", 1)


async def test_look_ups_that_callbacks_bring_forward_park_no_order_before_its_time(
    story: Story, callbacks: Callbacks
) -> None:
    await story.submit(hyper("h", 20))  # never executed, never answered
    await story.work()
    for _ in range(8):
        await callbacks.delivered()
        await story.work()
    assert await story.state("h") == "in_doubt"
    await story.play()
    assert await story.state("h") == "parked"
    opened, parked = (await story.all("SELECT sent_at, updated_at FROM attempts, orders"))[0]
    assert parked - opened >= timedelta(seconds=755)
