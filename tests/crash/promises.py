"""The promises, checked from outside: our database, the remotes' books, the receiver's notes.

Every crash test ends with ``check_promises``. ``broken_promises`` is the same as a value: which
promise is broken, and what shows it.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from tests.crash.works import Works
from worker.lifecycle import TERMINAL_ORDERS
from worker.providers import REGISTRY
from worker.sandbox.books import Row
from worker.store.notifications import webhook_id

Broken = dict[str, list[str]]
"""What is wrong, by the promise that it breaks."""

_BOUGHT = {"fulfilled", "partially_fulfilled", "placed"}
_NOT_BOUGHT = {"refused", "expired", "failed", "cancelled"}

_ORDERS = """
SELECT o.id, o.producer, o.intent_id, o.state, o.due_at, o.expires_at, o.cancel_asked_at,
    array_agg(l.line_ref) AS refs,
    EXISTS (SELECT FROM attempts a WHERE a.order_id = o.id AND a.outcome IS NULL) AS in_a_call,
    EXISTS (SELECT FROM attempts a WHERE a.order_id = o.id AND a.commits) AS may_have_bought
FROM orders o JOIN lines l ON l.order_id = o.id GROUP BY o.id
"""
_LINES = """
SELECT l.deliver_id, l.state, l.sequence,
    coalesce(array_agg(e.sequence ORDER BY e.sequence) FILTER (WHERE e.id IS NOT NULL), '{}')
        AS told,
    (array_agg(e.type ORDER BY e.sequence DESC)
        FILTER (WHERE e.type <> 'line.cancel_refused'))[1] AS last_told
FROM lines l LEFT JOIN events e ON e.line_id = l.id GROUP BY l.id
"""
_OWED = """
SELECT e.id, n.state FROM events e LEFT JOIN notifications n ON n.event_id = e.id
WHERE e.sequence IS NOT NULL
"""


@dataclass
class _Books:
    """One look at everything."""

    orders: list[Any]
    lines: list[Any]
    owed: list[Any]
    quarantined: int
    waiting: list[bytes]
    rows: list[Row]
    owners: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for order in self.orders:
            self.owners |= dict.fromkeys([order.id.hex, *order.refs], order)

    def live_by_order(self) -> dict[Any, set[tuple[str, str]]]:
        """The live orders at the remotes, by the id of ours; ``None`` for nobody's."""
        found = defaultdict(set)
        for row in self.rows:
            owner = self.owners.get(row.ref or "")
            found[owner and owner.id].add((row.remote, row.order_id))
        return dict(found)


async def check_promises(works: Works, *, may_be_parked: Collection[str] = ()) -> None:
    """Fail unless every promise was kept. What is parked is one of those intents."""
    broken = await broken_promises(works)
    assert not broken, f"{broken}\n{await works.due()}"
    parked = {name for name, state in (await works.states()).items() if state == "parked"}
    assert parked <= set(may_be_parked), await works.due()


async def broken_promises(works: Works) -> Broken:
    """What is broken of the promises, once everything is at rest."""
    books = await _look(works)
    found = {
        "P1": [*_accepted(works, books)],
        "P2": [*_bought_once(books), *_true(books)],
        "P3": [*_in_time(books)],
        "P4": [*_told(works, books)],
        "P5": [*_taken_in(books)],
        "P6": [*_at_rest(books)],
        "P7": [*_leaks(works)],
    }
    return {promise: wrong for promise, wrong in found.items() if wrong}


async def _look(works: Works) -> _Books:
    async with works.db.reading() as connection:
        orders, lines, owed = [
            list((await connection.execute(text(query))).all())
            for query in (_ORDERS, _LINES, _OWED)
        ]
    return _Books(
        orders=orders,
        lines=lines,
        owed=owed,
        quarantined=await works.one("SELECT count(*) FROM quarantine WHERE closed_at IS NULL"),
        waiting=await works.waiting(),
        rows=[row for remote in REGISTRY for row in works.sandbox.live_orders(remote)],
    )


def _accepted(works: Works, books: _Books) -> list[str]:
    taken = {order.intent_id for order in books.orders}
    wrong = [f"{name} is no order" for name in works.asked.keys() - taken]
    wrong += [f"nobody asked for {name}" for name in taken - works.asked.keys()]
    if books.quarantined != works.faulty:
        wrong.append(f"{books.quarantined} in quarantine, not {works.faulty}")
    return wrong


def _taken_in(books: _Books) -> list[str]:
    """What is still in a stream is known to the database: only its removal is owed."""
    known = [f'"intent_id": "{order.intent_id}"'.encode() for order in books.orders]
    return [
        f"only in its stream: {said!r}"
        for said in books.waiting
        if not any(name in said for name in known)
    ]


def _bought_once(books: _Books) -> list[str]:
    live = books.live_by_order()
    wrong = [f"bought for nobody: {live.pop(None)}"] if None in live else []
    names = {order.id: order.intent_id for order in books.orders}
    return wrong + [f"{names[of]} twice: {at}" for of, at in live.items() if len(at) > 1]


def _true(books: _Books) -> list[str]:
    """What we say of an order is so at its provider."""
    live = books.live_by_order()
    return [
        f"{order.intent_id} is {order.state}, and {live.get(order.id, 'not')} live"
        for order in books.orders
        if (order.state in _NOT_BOUGHT and order.id in live)
        or (order.state in _BOUGHT and order.may_have_bought and order.id not in live)
    ]


def _in_time(books: _Books) -> list[str]:
    """By the remote's clock, whatever ours noted."""
    return [
        f"{order.intent_id} bought at {row.bought_at}, its quote ended at {order.expires_at}"
        for row in books.rows
        if (order := books.owners.get(row.ref or "")) is not None
        and order.expires_at is not None
        and row.bought_at is not None
        and row.bought_at > order.expires_at
    ]


def _told(works: Works, books: _Books) -> list[str]:
    heard, sequences = works.receiver.received, works.receiver.received.sequences()
    wrong = [f"{heard.forged} forged"] if heard.forged else []
    for line in books.lines:
        each = [*range(1, line.sequence + 1)]
        if list(line.told) != each:
            wrong.append(f"{line.deliver_id} has events {line.told}, not {each}")
        if line.last_told is not None and line.last_told != f"line.{line.state}":
            wrong.append(f"{line.deliver_id} is {line.state}, last told was {line.last_told}")
        if sequences.get((works.producer, line.deliver_id), []) != each:
            wrong.append(f"{line.deliver_id} was heard of as {sequences}, not {each}")
    wrong += [f"{owed.id} is {owed.state}" for owed in books.owed if owed.state != "acknowledged"]
    unknown = heard.first.keys() - {webhook_id(owed.id) for owed in books.owed}
    return wrong + [f"heard of {name}, which is no event" for name in unknown]


def _at_rest(books: _Books) -> list[str]:
    wrong = [
        f"{order.intent_id} is {order.state}"
        for order in books.orders
        if order.state not in {*TERMINAL_ORDERS, "parked"}
    ]
    wrong += [f"{each.intent_id} is due" for each in books.orders if each.due_at is not None]
    return wrong + [f"{each.intent_id} has an open call" for each in books.orders if each.in_a_call]


def _leaks(works: Works) -> list[str]:
    secrets = [works.system.encryption_key, *works.secrets, *works.receiver.received.codes()]
    return [
        f"a secret is in {log.name}"
        for log in sorted(works.system.home.glob("*.log"))
        if any(secret in log.read_text(errors="replace") for secret in secrets)
    ]
