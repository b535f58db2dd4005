"""Sets of intents, each with what must become of it, so that every step is reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from tests.crash.nursery import Child
from tests.crash.works import Works
from tests.stories.conftest import adobe, feedback, gifthub, hyper, threekit

Ask = Callable[[str], dict[str, Any]]
"""Makes an intent's body of its id."""

NO_PROOF: Final = {"hyperteknoloji", "feedback_company"}
"""Where an unknown outcome cannot be cleared up in every case, so that a person decides."""


@dataclass(frozen=True)
class Basket:
    """Intents by the first letter of their ids.

    Once they are bought, ``unwanted`` are called off, and of ``told`` the provider calls back.
    """

    asks: Mapping[str, Ask]
    unwanted: str = ""
    told: str = ""
    ends: Mapping[str, str] = field(default_factory=dict)
    """Where one ends otherwise than fulfilled."""

    async def submit(self, works: Works, victim: Child, number: int = 0) -> None:
        """Put all of it on the stream, and what comes later as soon as it is bought.

        A victim that dies before that leaves it to its heir. ``number`` makes the ids unique.
        """
        quoted_at = datetime.now(UTC)
        quote = {
            "quoted_at": quoted_at.isoformat(),
            "expires_at": (quoted_at + timedelta(seconds=90)).isoformat(),
        }
        bodies = [ask(f"{letter}{number}") for letter, ask in self.asks.items()]
        await works.submit(*(body | {"quote": quote} for body in bodies))
        later = [f"{letter}{number}" for letter in self.unwanted + self.told]

        async def bought() -> bool:
            states = await works.states()
            ready = {"placed", "fulfilled"}
            return not victim.running or all(states.get(name) in ready for name in later)

        await works.until(bought, f"{later} are bought")
        await works.call_off(*(f"{letter}{number}" for letter in self.unwanted))
        await works.call_back(*(f"{letter}{number}" for letter in self.told))

    async def check_ends(self, works: Works, *, doubtful: set[str]) -> None:
        """Each order has ended as it should, or is with a person because of a lost call."""
        for name, state in (await works.states()).items():
            end = self.ends.get(name[0], "fulfilled")
            assert state == end or (state == "parked" and name in doubtful), (name, state)


async def doubtful(works: Works) -> set[str]:
    """The intents whose call was under way when the worker died, and may never be cleared up."""
    return {name for name in await works.in_a_call() if works.asked[name]["provider"] in NO_PROOF}


AT_ONCE: Final[Mapping[str, Ask]] = {
    "h": partial(hyper, lines=2),
    "g": gifthub,
    "a": adobe,
    "t": threekit,
    "f": feedback,
}
"""All five providers, one of them in two phases."""

PLACED: Final = Basket(AT_ONCE)
POLLED: Final = Basket(
    {**AT_ONCE, "h": partial(hyper, product=5, lines=2), "g": partial(gifthub, sku="sandbox-slow")}
)
CALLED_BACK: Final = Basket(POLLED.asks, told="h")
"""Of one its provider says that something has happened."""
DOUBTFUL: Final = Basket(
    {
        **AT_ONCE,
        "h": partial(hyper, product=8, lines=2),
        "g": partial(gifthub, sku="sandbox-confirm-cut"),
        "t": partial(threekit, configuration="sandbox-cut"),
    }
)
"""Bought, and not answered: each has to be looked up."""
REPLAYED: Final = Basket({**AT_ONCE, "a": partial(adobe, offer="sandbox-cut")})
"""One is sent again as it was."""
RETRIED: Final = Basket(
    {
        "h": partial(hyper, product=13, lines=2),
        "g": partial(gifthub, sku="sandbox-confirm-429"),
        "a": partial(adobe, offer="sandbox-unavailable-once"),
        "t": partial(threekit, configuration="sandbox-429-twice"),
        "f": partial(feedback, magic="sandbox-429"),
    }
)
"""Turned away at first: each call is made again."""
UNWANTED: Final = Basket(
    {**AT_ONCE, "h": partial(hyper, product=38, lines=2)},
    unwanted="ha",
    ends={"h": "cancelled", "a": "cancelled"},
)
"""One is called off before it is delivered, one is given back."""
