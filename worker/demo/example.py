"""Intents to try things with, one for each simulated provider."""

from typing import Any, Final

from worker.demo.asks import Ask, adobe_previewed, feedback, gifthub, hyperteknoloji, threekit

_TRIED: Final[tuple[tuple[str, Ask, Any], ...]] = (
    ("a", hyperteknoloji, 5),  # delivered a little later
    ("b", gifthub, "sandbox-confirm-cut"),  # bought, then the line is cut
    ("c", adobe_previewed, "sandbox-ok"),
    ("d", threekit, "sandbox-cut"),  # recorded, then the line is cut
    ("e", feedback, "sandbox-ok"),
)


def example(producer: str, number: str) -> list[dict[str, Any]]:
    """Intents with ids made of ``number``, so that each time of trying is a new order.

    They bear no quote but where the provider needs a limit: whoever tries them may take an hour.
    """
    intents = [ask(f"{number}-{letter}", product) for letter, ask, product in _TRIED]
    return [{"producer": producer, **_unhurried(intent)} for intent in intents]


def _unhurried(intent: dict[str, Any]) -> dict[str, Any]:
    if intent.get("preview_first"):
        return intent
    return {name: value for name, value in intent.items() if name != "quote"}
