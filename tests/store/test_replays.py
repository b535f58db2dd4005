"""A request that is sent again: its own attempt, reopened; its window checked; its bytes kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.conftest import LEASE, Shop, a_change, a_new_attempt
from worker.capabilities import Capabilities, Doubt
from worker.order import Claimed
from worker.outcome import Confirmed, InDoubt, NotSent, Outcome, RefusalCode, Refused
from worker.store import attempts, claims
from worker.store.attempts import NewAttempt, NotOpened, Opened

SetClock = Callable[[timedelta], None]

KNOWN = Capabilities(after_place=Doubt.REPLAY)
LATER = LEASE + timedelta(seconds=1)
FIRST_LEASE = 1
"""The fence under which the request was sent for the first time."""
BYTES = '{"to": "Zübeyde"}'.encode()


async def in_doubt(shop: Shop, set_clock: SetClock) -> tuple[Claimed, NewAttempt]:
    """An order in doubt about its one attempt, claimed; and that attempt as it is sent again."""
    claimed = await shop.claimed()
    first = replace(a_new_attempt(claimed), request=BYTES)
    (opened,) = await attempts.open_attempts(shop.db, shop.vault, [first])
    assert isinstance(opened, Opened)
    set_clock(LATER)
    (again,) = await shop.claim()
    assert again.left_open
    await shop.settle(a_change(again, InDoubt("its worker was lost"), capabilities=KNOWN))
    set_clock(2 * LATER)
    (due,) = await shop.claim()
    assert due.attempt
    return due, replace(first, fence=due.fence, sends=2, request=due.attempt.request)


async def send(shop: Shop, new: NewAttempt) -> Opened | NotOpened:
    (opened,) = await attempts.open_attempts(shop.db, shop.vault, [new])
    return opened


async def test_the_exact_bytes_come_back_and_lie_there_sealed(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed, _ = await in_doubt(shop, set_clock)
    assert claimed.attempt
    assert (claimed.attempt.request, claimed.attempt.sends) == (BYTES, 1)
    assert b"beyde" not in bytes((await shop.one("SELECT * FROM attempts")).sealed_request)


async def test_it_is_the_same_attempt_sent_once_more(shop: Shop, set_clock: SetClock) -> None:
    claimed, again = await in_doubt(shop, set_clock)
    before = await shop.one("SELECT opened_at, sealed_request FROM attempts")
    opened = await send(shop, again)
    assert isinstance(opened, Opened)
    assert (opened.number, opened.opened_at) == (1, before.opened_at)
    assert opened.sent_at > before.opened_at
    row = await shop.one("SELECT * FROM attempts")
    assert (row.sends, row.outcome, row.sealed_request) == (2, None, before.sealed_request)
    assert (await shop.one("SELECT attempts FROM orders")).attempts == 1
    assert claimed.order.order_id == row.order_id


async def test_written_twice_it_is_sent_once(shop: Shop, set_clock: SetClock) -> None:
    """As after a commit that came through and whose answer did not."""
    _, again = await in_doubt(shop, set_clock)
    first = await send(shop, again)
    set_clock(3 * LATER)
    assert await send(shop, again) == first
    assert (await shop.one("SELECT sends FROM attempts")).sends == 2


async def test_sending_again_needs_the_window_like_the_first_time(
    shop: Shop, set_clock: SetClock
) -> None:
    _, again = await in_doubt(shop, set_clock)
    await shop.execute("UPDATE orders SET expires_at = orderline_now() + interval '10s'")
    late = replace(again, needs=timedelta(seconds=11))
    assert await send(shop, late) is NotOpened.WINDOW_CLOSED
    row = await shop.one("SELECT sends, outcome FROM attempts")
    assert row == (1, "in_doubt")


async def test_what_was_not_sent_again_is_sent_one_time_fewer_and_still_in_doubt(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed, again = await in_doubt(shop, set_clock)
    opened = await send(shop, again)
    assert isinstance(opened, Opened)
    assert claimed.attempt
    sent = replace(claimed, attempt=replace(claimed.attempt, sends=2, sent_at=opened.sent_at))
    await shop.settle(a_change(sent, NotSent("throttled"), capabilities=KNOWN))
    assert await shop.one("SELECT sends, outcome FROM attempts") == (1, "in_doubt")


@pytest.mark.parametrize(
    ("outcome", "taken"),
    [
        (NotSent("never left"), False),
        (Refused(RefusalCode.OTHER, "no"), False),
        (Confirmed("their-id"), True),
    ],
)
async def test_what_a_slow_worker_knows_of_the_first_sending_ends_a_second_only_by_a_yes(
    shop: Shop, set_clock: SetClock, outcome: Outcome, *, taken: bool
) -> None:
    """Or a request under way would be asked for anew beside itself."""
    _, again = await in_doubt(shop, set_clock)
    await send(shop, again)
    fence = None if isinstance(outcome, Confirmed) else FIRST_LEASE
    seized = await claims.seize(
        shop.db,
        shop.vault,
        attempt_id=again.attempt_id,
        fence=fence,
        worker="host:3",
        lease=LEASE,
    )
    assert (seized is not None) == taken


async def test_nor_does_it_close_the_second_sending_when_it_is_merely_noted(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed, again = await in_doubt(shop, set_clock)
    await send(shop, again)
    assert claimed.attempt
    await attempts.note_late(shop.db, claimed.attempt, NotSent("never left"), "late", FIRST_LEASE)
    assert (await shop.one("SELECT outcome FROM attempts")).outcome is None


async def test_who_came_too_late_to_send_it_again_says_nothing_of_who_did(
    shop: Shop, set_clock: SetClock
) -> None:
    """Both would have been the second sending: that one was not sent says nothing of the other."""
    _, too_late = await in_doubt(shop, set_clock)
    set_clock(3 * LATER)
    (faster,) = await shop.claim(worker="host:2")
    await send(shop, replace(too_late, fence=faster.fence))
    assert await send(shop, too_late) is NotOpened.FENCED
    seized = await claims.seize(
        shop.db,
        shop.vault,
        attempt_id=too_late.attempt_id,
        fence=too_late.fence,
        worker="host:1",
        lease=LEASE,
    )
    assert seized is None
    assert (await shop.one("SELECT outcome, sends FROM attempts")) == (None, 2)


@pytest.mark.parametrize(
    ("outcome", "noted"),
    [
        (NotSent("never left"), "in_doubt"),
        (Refused(RefusalCode.OTHER, "no"), "in_doubt"),
        (Confirmed("their-id"), "confirmed"),
    ],
)
async def test_what_is_noted_late_of_a_second_sending_leaves_the_first_in_doubt_unless_a_yes(
    shop: Shop, set_clock: SetClock, outcome: Outcome, noted: str
) -> None:
    """A person decides by it whether to buy again."""
    claimed, again = await in_doubt(shop, set_clock)
    await send(shop, again)
    assert claimed.attempt
    second = replace(claimed, attempt=replace(claimed.attempt, sends=2))
    once = Capabilities(after_place=Doubt.RESEND, repeats=1)
    await shop.settle(a_change(second, InDoubt("reset"), capabilities=once))
    assert second.attempt
    await attempts.note_late(shop.db, second.attempt, outcome, "late", again.fence)
    assert await shop.one("SELECT state FROM orders") == ("parked",)
    assert await shop.one("SELECT outcome, sends FROM attempts") == (noted, 2)
