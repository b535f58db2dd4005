"""The verdict: our books, the remotes' books and the receivers' notes, held against each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import text

from worker.demo.receiver import Received
from worker.demo.scenario import Case
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.sandbox import Sandbox
from worker.store.session import Database

_REMOTES = ("hyperteknoloji", "gifthub")
_BOUGHT = {OrderState.FULFILLED, OrderState.PARTIALLY_FULFILLED, OrderState.PLACED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Our own books at the end."""

    states: dict[tuple[str, str], str]
    """(producer, intent_id) → the order's state."""
    refs: dict[tuple[str, str], tuple[str, ...]]
    """(producer, intent_id) → every reference by which a provider may know the order."""
    quarantined: int
    notifications: int
    acknowledged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the demonstration came to. ``broken`` names each promise that was not kept."""

    intents: int
    orders: int
    provider_orders: int
    duplicate_provider_orders: int
    lost: int
    quarantined: int
    parked: int
    surprises: int
    notifications_expected: int
    notifications_received: int
    notifications_out_of_order: int
    signatures_verified: int
    seconds: float
    broken: tuple[str, ...] = field(default=())

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken

    def as_json(self) -> dict[str, object]:
        """The verdict as one flat object."""
        return {**asdict(self), "clean": self.clean}


async def read_books(db: Database) -> Books:
    """Our books, in one look."""
    async with db.reading() as connection:
        orders = (
            await connection.execute(
                text(
                    "SELECT o.producer, o.intent_id, o.state, o.id, array_agg(l.line_ref) AS refs"
                    " FROM orders o JOIN lines l ON l.order_id = o.id GROUP BY o.id"
                )
            )
        ).all()
        counts = (
            await connection.execute(
                text(
                    "SELECT (SELECT count(*) FROM quarantine) AS quarantined,"
                    " (SELECT count(*) FROM notifications) AS notifications,"
                    " (SELECT count(*) FROM notifications WHERE state = 'acknowledged') AS told"
                )
            )
        ).one()
    return Books(
        states={(row.producer, row.intent_id): row.state for row in orders},
        refs={(row.producer, row.intent_id): (row.id.hex, *row.refs) for row in orders},
        quarantined=counts.quarantined,
        notifications=counts.notifications,
        acknowledged=counts.told,
    )


def judge(
    cases: Sequence[tuple[Case, str | None]],
    books: Books,
    sandbox: Sandbox,
    received: Received,
    seconds: float,
) -> Verdict:
    """Hold the books against each other. ``cases`` come with their intent's id, if it has one."""
    wanted = {
        (case.producer, intent_id): case.ends for case, intent_id in cases if case.ends is not None
    }
    open_orders = [
        key
        for key, state in books.states.items()
        if state not in TERMINAL_ORDERS and state != OrderState.PARKED
    ]
    bought = Counter(ref for remote in _REMOTES for ref in sandbox.books.copies(remote).elements())
    by_order = {key: sum(bought[ref] > 0 for ref in refs) for key, refs in books.refs.items()}
    verdict = Verdict(
        intents=len(cases),
        orders=len(books.states),
        provider_orders=sum(
            len({row.order_id for row in sandbox.live_orders(remote)}) for remote in _REMOTES
        ),
        duplicate_provider_orders=sum(count - 1 for count in bought.values() if count > 1),
        lost=len(wanted.keys() - books.states.keys()) + len(open_orders),
        quarantined=books.quarantined,
        parked=sum(state == OrderState.PARKED for state in books.states.values()),
        surprises=sum(books.states.get(key) != ends for key, ends in wanted.items())
        + sum(
            (state in _BOUGHT) != (by_order[key] > 0)
            for key, state in books.states.items()
            if state not in {OrderState.PARKED, OrderState.FAILED, OrderState.CANCELLED}
        ),
        notifications_expected=books.notifications,
        notifications_received=len(received.first),
        notifications_out_of_order=received.out_of_order,
        signatures_verified=received.verified,
        seconds=round(seconds, 1),
    )
    return _with_findings(verdict, faulty=sum(case.ends is None for case, _ in cases))


def _with_findings(verdict: Verdict, *, faulty: int) -> Verdict:
    checks = {
        "P1: an intent was not accepted exactly once": verdict.quarantined == faulty,
        "P2: something was bought twice": verdict.duplicate_provider_orders == 0,
        "P4: a notification was not received": verdict.notifications_received
        == verdict.notifications_expected
        == verdict.signatures_verified,
        "P4: a DeliverID heard its changes out of order": verdict.notifications_out_of_order == 0,
        "P5/P6: an order is lost or stuck": verdict.lost == 0,
        "an order did not end as its scenario says": verdict.surprises == 0,
    }
    broken = tuple(promise for promise, kept in checks.items() if not kept)
    return Verdict(**{**asdict(verdict), "broken": broken})
