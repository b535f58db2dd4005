"""An order's story as moments, one after the other: facts, attempts and deliveries together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.orders import AttemptView, EventView, NotificationView, OrderStory, span
from worker.console.wording import worded

_OF_THE_LINE: Final = frozenset(
    {"deliver_id", "intent_id", "order_id", "producer", "provider", "sequence", "state"}
)
"""What an event repeats of what stands elsewhere on the page."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened.

    ``about`` is the DeliverID; ``details`` are names with what they say; ``tone`` is how it looks.
    """

    at: datetime
    title: str
    kind: str
    about: str | None = None
    details: tuple[tuple[str, str], ...] = ()
    tone: str = "plain"


def moments_of(told: OrderStory) -> list[Moment]:
    """All of it, the first one first."""
    return sorted(_all(told), key=lambda moment: moment.at)


def _all(told: OrderStory) -> Iterator[Moment]:
    yield from map(_event, told.events)
    for attempt in told.attempts:
        yield from _attempt(attempt)
    for notification in told.notifications:
        yield from _deliveries(notification)


def _event(event: EventView) -> Moment:
    details = _details(event.data)
    if event.goods is not None:
        details = (*details, ("goods", event.goods))
    tone = "ours" if "by" in event.data else "plain"
    return Moment(event.at, event.type, "event", event.deliver_id, details, tone)


def _details(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    kept = ((name, said) for name, said in data.items() if name not in _OF_THE_LINE)
    return tuple((name.replace("_", " "), worded(said)) for name, said in kept if said is not None)


def _attempt(attempt: AttemptView) -> Iterator[Moment]:
    name = f"attempt #{attempt.number}, {attempt.step}"
    yield Moment(
        attempt.opened_at,
        f"{name}: opened",
        "attempt",
        details=(("our reference", attempt.reference),),
    )
    if attempt.closed_at is None:
        return
    said = (
        ("because", attempt.reason),
        ("look-ups", str(attempt.look_ups) if attempt.look_ups else None),
        ("sent", f"{attempt.sends} times" if attempt.sends > 1 else None),
        ("answer", _answer(attempt)),
    )
    took = span(attempt.closed_at - attempt.opened_at)
    yield Moment(
        attempt.closed_at,
        f"{name}: {(attempt.outcome or 'under way').replace('_', ' ')} after {took}",
        "attempt",
        details=tuple((label, text) for label, text in said if text is not None),
        tone={"confirmed": "good", "in_doubt": "warn", "refused": "bad"}.get(
            attempt.outcome or "", "plain"
        ),
    )


def _answer(attempt: AttemptView) -> str | None:
    status = None if attempt.status is None else f"HTTP {attempt.status}"
    return " ".join(filter(None, (status, attempt.body))) or None


def _deliveries(notification: NotificationView) -> Iterator[Moment]:
    for each in notification.deliveries:
        came = f"HTTP {each.code}" if each.code is not None else each.error or "no answer"
        good = each.code is not None and 200 <= each.code < 300  # noqa: PLR2004 -- HTTP's
        yield Moment(
            each.at,
            f"{notification.type} delivered" if good else f"{notification.type} not delivered",
            "delivery",
            notification.deliver_id,
            (("try", f"{each.number}: {came} in {each.milliseconds} ms"), ("to", notification.url)),
            "good" if good else "warn",
        )
