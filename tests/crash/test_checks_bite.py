"""The checks bite: with one safety of the engine off, the same scenario breaks its promise.

Each scenario is played twice, by the engine as it is and by a careless one (``careless``). The
first keeps every promise, which other tests prove as well, so that these are slow; the second
breaks the one that the safety is there for.
"""

import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.crash.moments import Moment
from tests.crash.promises import broken_promises
from tests.crash.works import Works
from tests.stories.conftest import hyper
from worker.lifecycle import Step
from worker.store.session import Boundary

Careless = str | None
Scenario = Callable[[Works, Careless], Awaitable[None]]

JUST_CLAIMED = Moment(Boundary.CLAIM, "after", Step.PLACE)
JUST_SETTLED = Moment(Boundary.SETTLE, "after", Step.PLACE)


async def frozen_until_another_has_bought(works: Works, careless: Careless) -> None:
    """A worker stops between its claim and its call, and goes on when another has made it.

    (Once the order is fulfilled, a constraint of the schema would stop it as well.)
    """
    await works.accept(hyper("h", 5))
    frozen = await works.start_worker("frozen", freeze_at=JUST_CLAIMED, careless=careless)
    await works.until_frozen(frozen, JUST_CLAIMED)
    await works.start_worker("heir", careless=careless)
    await works.start_beat()
    await works.until_states("placed", of="h")
    frozen.signal(signal.SIGCONT)
    await works.until(lambda: _has_gone_on(works), "the frozen worker has done what it meant to")
    await works.until_at_rest()


async def killed_in_a_call_that_was_carried_out(works: Works, careless: Careless) -> None:
    """A worker dies while it waits for an answer; its order has been bought."""
    await works.submit(hyper("h", 10))
    victim = await works.start_worker("victim", careless=careless)
    await works.start_beat()
    await works.until(
        lambda: works.sandbox.hits("hyperteknoloji", "create", executed=True), "it is bought"
    )
    victim.signal(signal.SIGKILL)
    await works.start_worker("heir", careless=careless)
    await works.until_at_rest()


async def alone_until_the_quote_has_expired(works: Works, careless: Careless) -> None:
    """No worker comes before the price is no longer good.

    Beat starts once that is decided: its own look at the quotes would be a second safety.
    """
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=4)
    quote = {"quoted_at": now.isoformat(), "expires_at": ends.isoformat()}
    await works.accept(hyper("h", quote=quote))
    await works.until(lambda: datetime.now(UTC) > ends, "the quote has expired")
    await works.start_worker("heir", careless=careless)
    await works.until(
        lambda: _is_begun(works, "h"), "the heir has bought, or has said that it won't"
    )
    await works.start_beat()
    await works.until_at_rest()


async def killed_when_it_has_settled(works: Works, careless: Careless) -> None:
    """A worker dies just after it wrote what became of an order."""
    await works.submit(hyper("h"))
    victim = await works.start_worker("victim", crash_at=JUST_SETTLED, careless=careless)
    await works.start_beat()
    await works.until_dead(victim, JUST_SETTLED)
    await works.start_worker("heir", careless=careless)
    await works.until_at_rest()


@pytest.mark.parametrize(
    ("play", "careless", "broken"),
    [
        pytest.param(
            *(play, careless, promise),
            id=f"{without}: {'so' if careless else 'not'}",
            marks=[] if careless else [pytest.mark.slow],
        )
        for play, without, promise in [
            (frozen_until_another_has_bought, "no fences", "P2"),
            (killed_in_a_call_that_was_carried_out, "call first", "P2"),
            (alone_until_the_quote_has_expired, "no window", "P3"),
            (killed_when_it_has_settled, "told later", "P4"),
        ]
        for careless in (None, without)
    ],
)
async def test_what_a_safety_is_there_for_is_seen_when_it_is_off(
    works: Works, play: Scenario, careless: Careless, broken: str
) -> None:
    await play(works, careless)
    found = await broken_promises(works)
    if careless is None:
        assert not found
    else:
        assert broken in found


async def _has_gone_on(works: Works) -> bool:
    """Whether the frozen worker has bought, or has been refused and said so."""
    return (
        works.said("frozen", "late_outcome") or works.sandbox.hits("hyperteknoloji", "create") > 1
    )


async def _is_begun(works: Works, intent_id: str) -> bool:
    return (await works.states())[intent_id] not in {"accepted", "placing"}
