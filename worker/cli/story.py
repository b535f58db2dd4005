"""An order's story as text: what ``orderline show`` prints, section by section."""

from typing import Final

import pydantic_core
from rich.text import Text

from schemas.notifications import Price
from schemas.orders import (
    AttemptView,
    DeliveryView,
    EventView,
    NotificationView,
    OrderStory,
    OrderView,
    distance,
    span,
    stamp,
)
from worker.cli.output import (
    NOTHING,
    Cell,
    Column,
    coloured,
    print_pairs,
    print_table,
    printable,
    say,
)
from worker.lifecycle import Step

_LINES: Final = (
    Column("DeliverID", whole=True),
    Column("state", whole=True),
    Column("price"),
    Column("our line_ref", whole=True),
    Column("provider's reference"),
    Column("what is said of it"),
)
_EVENTS: Final = (
    Column("at", whole=True),
    Column("event", whole=True),
    Column("DeliverID"),
    Column("no.", right=True),
    Column("what"),
)


_CALLS: Final = frozenset({Step.PLACE, Step.CONFIRM})
"""The steps that are tried so often and no more."""


def tell(story: OrderStory, max_tries: int) -> None:
    """Print the whole story. A call is tried ``max_tries`` times in a row."""
    _tell_order(story, max_tries)
    _heading("Intent")
    for line in pydantic_core.to_json(story.intent, indent=2).decode().splitlines():
        say(f"  {printable(line)}")
    _heading("Lines")
    rows: list[list[Cell]] = [
        [
            line.deliver_id,
            coloured(line.state),
            _money(line.price) or NOTHING,
            line.line_ref,
            line.provider_line_ref or NOTHING,
            "; ".join(filter(None, (line.reason, *map(_detail, line.details.items())))) or NOTHING,
        ]
        for line in story.lines
    ]
    print_table(_LINES, rows, "none")
    _heading("Attempts")
    for attempt in story.attempts:
        _tell_attempt(attempt)
    if not story.attempts:
        say("none: nothing was sent to the provider yet")
    _heading("Events")
    print_table(_EVENTS, [_event(event) for event in story.events], "none yet")
    _heading("Notifications")
    for notification in story.notifications:
        _tell_notification(notification, story.order)
    if not story.notifications:
        say("none owed yet")


def _detail(fact: tuple[str, str]) -> str:
    return f"{fact[0]}: {fact[1]}"


def _heading(text: str) -> None:
    say("")
    say(Text(text, style="bold"))


def _tell_order(story: OrderStory, max_tries: int) -> None:
    order = story.order
    say(Text(f"Order {order.order_id}", style="bold"))
    print_pairs(
        [
            ("state", coloured(order.state)),
            ("next", order.next),
            ("tries", _tries(order, max_tries)),
            ("reason", order.reason if order.parked_reason is None else None),
            ("intent", f"{order.intent_id} of {order.producer}"),
            ("provider", f"{order.provider}/{order.account}"),
            ("priority", order.priority),
            ("reference", order.provider_ref and f"{order.provider_ref} (the provider's)"),
            ("quote", _quote(order)),
            ("total", _money(order.total)),
            ("delivered", f"{order.lines_delivered} of {order.lines}"),
            ("accepted", stamp(order.created_at)),
            ("changed", stamp(order.updated_at)),
            ("tells", story.notify_url),
            ("personal", None if order.erased_at is None else f"erased {stamp(order.erased_at)}"),
        ]
    )


def _tries(order: OrderView, max_tries: int) -> str | None:
    """Which try of a call comes next, or is under way, once there was one in vain."""
    if order.step not in _CALLS or not order.tries:
        return None
    return f"no. {order.tries + 1} of at most {max_tries} in a row"


def _quote(order: OrderView) -> str:
    if order.expires_at is None:
        return "none: it never expires"
    most = "" if order.max_total is None else f", at most {_money(order.max_total)}"
    left = "" if order.quote_left is None else f" ({distance(order.expires_at, order.as_of)})"
    return f"until {stamp(order.expires_at)}{left}{most}"


def _money(price: Price | None) -> str | None:
    return None if price is None else f"{price.amount} {price.currency}"


def _tell_attempt(attempt: AttemptView) -> None:
    outcome = attempt.outcome or "under way"
    took = (
        "" if attempt.closed_at is None else f" after {span(attempt.closed_at - attempt.opened_at)}"
    )
    say(f"#{attempt.number} {attempt.step}: {outcome}{took}")
    print_pairs(
        [
            ("opened", stamp(attempt.opened_at)),
            (
                "sent",
                f"{attempt.sends} times, last {stamp(attempt.sent_at)}"
                if attempt.sends > 1
                else None,
            ),
            ("reference", f"{attempt.reference} (ours)"),
            ("reason", attempt.reason),
            ("look-ups", str(attempt.look_ups) if attempt.look_ups else None),
            ("status", None if attempt.status is None else f"HTTP {attempt.status}"),
            ("request", attempt.request_ref),
            ("answer", attempt.body),
        ],
        indent=3,
    )


def _event(event: EventView) -> list[Cell]:
    # Of a line's event everything but the reason stands elsewhere on the page.
    said = _of_order(event) if event.deliver_id is None else event.data.get("reason")
    goods = event.goods and f"goods: {event.goods}"
    return [
        stamp(event.at),
        event.type,
        event.deliver_id or NOTHING,
        NOTHING if event.sequence is None else str(event.sequence),
        "; ".join(filter(None, (said, goods))) or NOTHING,
    ]


def _of_order(event: EventView) -> str:
    """What a fact about the whole order says: a difference in words, any other one as it is."""
    data = event.data
    match event.type:
        case "order.difference_found":
            about = f"{data['kind']} about {data['provider_ref'] or 'no id there'}"
            return f"{about}: ours {data['ours']}, theirs {data['theirs']} (rule: {data['rule']})"
        case "order.difference_closed":
            about = f"{data['kind']} about {data['provider_ref'] or 'no id there'}"
            return f"{about}: closed by {data['by']}: {data['why']}"
        case _:
            return pydantic_core.to_json(data).decode()


def _tell_notification(notification: NotificationView, order: OrderView) -> None:
    name = f"{notification.type} no. {notification.sequence} of {notification.deliver_id}"
    say(printable(f"{name}: {notification.state}"))
    due = notification.due_at
    print_pairs(
        [
            ("id", notification.webhook_id),
            ("to", notification.url),
            ("due", None if due is None else f"{stamp(due)} ({distance(due, order.as_of)})"),
            *((f"try {each.number}", _delivery(each)) for each in notification.deliveries),
        ],
        indent=3,
    )


def _delivery(delivery: DeliveryView) -> str:
    answer = delivery.code or delivery.error or "no answer"
    return f"{stamp(delivery.at)}: {answer} in {delivery.milliseconds} ms"
