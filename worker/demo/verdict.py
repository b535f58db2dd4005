"""The verdict: our books, the remotes' books and the receivers' notes, held against each other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from worker.demo.books import Books, Key
from worker.demo.leaks import Search
from worker.demo.receiver import Received
from worker.demo.scenario import Case
from worker.lifecycle import OrderState
from worker.providers import REGISTRY
from worker.sandbox import Sandbox

_BOUGHT = {OrderState.FULFILLED, OrderState.PARTIALLY_FULFILLED, OrderState.PLACED}
_EITHER = {OrderState.PARKED, OrderState.FAILED, OrderState.CANCELLED}
"""States that do not say whether something is live at the provider."""

_NAMED = 3
"""How many surprises are spelled out for a person; the JSON has them all."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise, whether it was kept, and what shows it."""

    name: str
    claim: str
    kept: bool
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """All that the verdict is reached from."""

    cases: Sequence[Case]
    """What was submitted."""
    books: Books
    sandbox: Sandbox
    received: Received
    search: Search
    left_in_redis: int
    """Intents that are still in a stream."""
    chaos: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the demonstration came to, counted."""

    intents: int
    orders: int
    repeats: int
    provider_orders: int
    duplicate_provider_orders: int
    lost: int
    quarantined: int
    parked: int
    late_purchases: int
    surprises: tuple[str, ...]
    """Orders whose end is not that of their story."""
    notifications_expected: int
    notifications_received: int
    notifications_out_of_order: int
    signatures_verified: int
    signatures_refused: int
    callbacks_heard: int
    leaks: int
    chaos: bool
    seconds: float
    promises: tuple[Promise, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the promises that were not kept."""
        return tuple(promise.name for promise in self.promises if not promise.kept)

    def as_json(self) -> dict[str, object]:
        """The verdict as one object."""
        return {**asdict(self), "broken": self.broken, "clean": not self.broken}


def judge(seen: Witnesses) -> Verdict:
    """Hold the books against each other."""
    books, received = seen.books, seen.received
    wanted = {
        (case.producer, case.intent_id or ""): case.ends
        for case in seen.cases
        if case.ends is not None
    }
    bought, strays = _bought(books, seen.sandbox)
    faulty = sum(case.ends is None for case in seen.cases)
    copies = sum(len(copies) for copies in bought.values())
    counted = Verdict(
        intents=len(seen.cases),
        orders=len(books.states),
        repeats=len(seen.cases) - faulty - len(wanted),
        provider_orders=copies + strays,
        duplicate_provider_orders=copies - len(bought) + strays,
        lost=len(wanted.keys() - books.states.keys()) + books.open_orders,
        quarantined=books.quarantined,
        parked=sum(state == OrderState.PARKED for state in books.states.values()),
        late_purchases=books.late,
        surprises=_surprises(seen, wanted, bought),
        notifications_expected=books.notifications,
        notifications_received=len(received.first),
        notifications_out_of_order=received.out_of_order,
        signatures_verified=received.verified,
        signatures_refused=received.forged,
        callbacks_heard=books.called_back,
        leaks=len(seen.search.places),
        chaos=seen.chaos,
        seconds=round(seen.seconds, 1),
    )
    promises = _promises(counted, seen, distinct=len(wanted), faulty=faulty)
    return replace(counted, promises=promises)


def _bought(books: Books, sandbox: Sandbox) -> tuple[dict[Key, set[tuple[str, str]]], int]:
    """The live orders at the remotes by our order, and how many belong to none of ours."""
    owners = {ref: key for key, refs in books.refs.items() for ref in refs}
    bought: dict[Key, set[tuple[str, str]]] = {}
    strays: set[tuple[str, str]] = set()
    for remote in REGISTRY:
        for row in sandbox.live_orders(remote):
            owner = owners.get(row.ref or "")
            found = strays if owner is None else bought.setdefault(owner, set())
            found.add((remote, row.order_id))
    return bought, len(strays)


def _surprises(
    seen: Witnesses, wanted: dict[Key, OrderState], bought: dict[Key, set[tuple[str, str]]]
) -> tuple[str, ...]:
    """Orders that ended otherwise than their story, or not as the remote's books have it.

    A worker that is killed during a call may leave a doubt that only a person can settle.
    """
    allowed = {OrderState.PARKED} if seen.chaos else set()
    states = seen.books.states
    otherwise = [
        f"{intent_id} is {states.get((producer, intent_id), 'missing')}, not {ends}"
        for (producer, intent_id), ends in wanted.items()
        if states.get((producer, intent_id)) not in {ends, *allowed}
    ]
    untrue = [
        f"{key[1]} is {state}, and {'' if key in bought else 'not '}live at its provider"
        for key, state in states.items()
        if state not in _EITHER
        and (state in _BOUGHT and key not in seen.books.free) != (key in bought)
    ]
    return (*otherwise, *untrue)


def _promises(
    counted: Verdict, seen: Witnesses, *, distinct: int, faulty: int
) -> tuple[Promise, ...]:
    """What was promised, in the order of ARCHITECTURE.md, and the scenario's own stories."""
    stories = Promise(
        "stories",
        "every order ended as told",
        not counted.surprises,
        (_in_short(counted.surprises) or "no surprise")
        + f"; {counted.callbacks_heard} callbacks heard through the gateway",
    )
    return (
        *_of_buying(counted, seen, distinct=distinct, faulty=faulty),
        _of_telling(counted),
        *_of_keeping(counted, seen),
        stories,
    )


def _in_short(surprises: Sequence[str]) -> str:
    more = f"; {len(surprises) - _NAMED} more" if len(surprises) > _NAMED else ""
    return "; ".join(surprises[:_NAMED]) + more


def _of_buying(
    counted: Verdict, seen: Witnesses, *, distinct: int, faulty: int
) -> tuple[Promise, ...]:
    return (
        Promise(
            "P1",
            "accepted once",
            counted.orders == distinct and counted.quarantined == faulty,
            f"{counted.intents} intents: {counted.orders} orders, {counted.quarantined}"
            f" quarantined, {counted.repeats} repeats",
        ),
        Promise(
            "P2",
            "bought at most once",
            counted.duplicate_provider_orders == 0,
            f"{counted.provider_orders} live orders at the providers,"
            f" {counted.duplicate_provider_orders} too many",
        ),
        Promise(
            "P3",
            "never late",
            counted.late_purchases == 0,
            f"{seen.books.purchases} purchases, {counted.late_purchases} after their quote's end",
        ),
    )


def _of_telling(counted: Verdict) -> Promise:
    expected, received = counted.notifications_expected, counted.notifications_received
    complete = expected == received == counted.signatures_verified
    orderly = counted.notifications_out_of_order == 0 == counted.signatures_refused
    return Promise(
        "P4",
        "every line told",
        complete and orderly,
        f"{received} of {expected} notifications, {counted.signatures_verified} signatures"
        f" verified, {counted.notifications_out_of_order} lines out of order",
    )


def _of_keeping(counted: Verdict, seen: Witnesses) -> tuple[Promise, ...]:
    wiped = "Redis was wiped, a worker killed: " if seen.chaos else ""
    places = seen.search.places
    return (
        Promise(
            "P5",
            "nothing only in Redis",
            counted.lost == 0 and seen.left_in_redis == 0,
            f"{wiped}{counted.lost} orders lost, {seen.left_in_redis} intents left in a stream",
        ),
        Promise(
            "P6",
            "nothing silently stuck",
            seen.books.open_orders == 0,
            f"{seen.books.open_orders} orders neither finished nor parked, {counted.parked} parked"
            " for a person",
        ),
        Promise(
            "P7",
            "nothing leaks",
            not places,
            f"{seen.search.values} secrets and personal values looked for in"
            f" {seen.search.searched} logs, Redis keys, Celery events and answers: "
            + (f"found in {', '.join(places)}" if places else "none found"),
        ),
    )
