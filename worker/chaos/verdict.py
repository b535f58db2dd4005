"""The verdict on a run: what the audit found, counted, promise by promise."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from worker.chaos.audit import Audit, Breaches
from worker.chaos.evidence import Evidence
from worker.chaos.plan import Sort
from worker.demo.verdict import Promise
from worker.lifecycle import OrderState

_DURATION: Final = re.compile(r"\d+:\d\d:\d\d(\.\d+)?")
_TOLD: Final = 50
"""How many breaches the JSON spells out of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What there was, counted; none of these numbers breaks a promise."""

    entries: int
    """Entries that Redis acknowledged."""
    unsure: int
    """Entries that were sent at least once without an acknowledgement."""
    repeats: int
    accepted: int
    quarantined: int
    states: Mapping[str, int]
    """Our orders by their state."""
    parked_reasons: Mapping[str, int]
    provider_orders: int
    """Live orders at the remotes."""
    surplus_known: int
    """Orders of which we know ourselves that the provider has one too many."""
    notified_again: int
    """Notifications that came once more after they had been accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run came to. Every number that may only be 0 names a promise that it breaks."""

    seed: int
    orders: int
    kills: int
    lost: int
    invented: int
    wrongly_quarantined: int
    duplicate_provider_orders: int
    strays: int
    unresolved: int
    parked: int
    late_purchases: int
    begun_late: int
    untrue: int
    notifications: int
    notifications_missing: int
    notifications_out_of_order: int
    notification_gaps: int
    signatures_refused: int
    left_in_streams: int
    processes_ended: int
    seconds: float
    books: Books
    troubles: Mapping[str, int]
    callbacks: Mapping[str, int]
    longest_lag: float
    gave_up: str | None
    breaches: Mapping[str, Breaches] = field(default_factory=dict)
    """Each breach in a sentence, by its kind."""
    promises: tuple[Promise, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the promises that were not kept."""
        return tuple(promise.name for promise in self.promises if not promise.kept)

    def as_json(self) -> dict[str, object]:
        """The verdict as one object."""
        return {**asdict(self), "broken": self.broken, "clean": not self.broken}


def judge(seen: Evidence) -> Verdict:
    """Audit a run and count what was found."""
    found = _breaches(Audit(seen))
    count = {kind: len(breaches) for kind, breaches in found.items()}
    states = Counter(order.state for order in seen.ours.orders)
    return Verdict(
        seed=seen.run.seed,
        orders=seen.run.wanted,
        kills=seen.run.kills,
        lost=count["lost"],
        invented=count["invented"],
        wrongly_quarantined=count["wrongly_quarantined"],
        duplicate_provider_orders=count["bought_twice"] + count["strays"],
        strays=count["strays"],
        unresolved=count["unresolved"],
        parked=states[OrderState.PARKED],
        late_purchases=count["late"],
        begun_late=count["begun_late"],
        untrue=count["untrue"],
        notifications=len(seen.ours.told),
        notifications_missing=count["unheard"],
        notifications_out_of_order=count["disorderly"],
        notification_gaps=count["gaps"],
        signatures_refused=seen.received.forged,
        left_in_streams=seen.left_in_streams,
        processes_ended=count["ended"],
        seconds=round(seen.run.seconds, 1),
        books=_books(seen, states),
        troubles=dict(seen.run.troubles),
        callbacks=dict(seen.run.callbacks),
        longest_lag=round(seen.run.longest_lag, 2),
        gave_up=seen.run.gave_up,
        breaches={kind: breaches[:_TOLD] for kind, breaches in found.items() if breaches},
        promises=_promises(seen, count),
    )


def _breaches(audit: Audit) -> Mapping[str, Breaches]:
    return {
        "lost": audit.lost(),
        "invented": audit.invented(),
        "wrongly_quarantined": audit.wrongly_quarantined(),
        "bought_twice": audit.bought_twice(),
        "strays": audit.strays(),
        "late": audit.late(),
        "begun_late": audit.begun_late(),
        "unheard": audit.unheard(),
        "disorderly": audit.disorderly(),
        "gaps": audit.gaps(),
        "unresolved": audit.unresolved(),
        "untrue": audit.untrue(),
        "ended": list(audit.seen.run.ended),
    }


def _books(seen: Evidence, states: Counter[str]) -> Books:
    live = {
        (remote, row.order_id) for remote, rows in seen.theirs.items() for row in rows if row.live
    }
    reasons = Counter(
        _DURATION.sub("some time", order.parked_reason)
        for order in seen.ours.orders
        if order.parked_reason
    )
    return Books(
        entries=len(seen.sent),
        unsure=len(seen.unsure),
        repeats=sum(sent.sort is Sort.REPEAT for sent in seen.sent),
        accepted=len(seen.ours.orders),
        quarantined=len(seen.ours.quarantined),
        states=dict(states.most_common()),
        parked_reasons=dict(reasons.most_common()),
        provider_orders=len(live),
        surplus_known=sum(order.surplus for order in seen.ours.orders),
        notified_again=seen.received.repeats,
    )


def _promises(seen: Evidence, count: Mapping[str, int]) -> tuple[Promise, ...]:
    return (*_of_buying(seen, count), _of_telling(seen, count), *_of_ending(seen, count))


def _of_buying(seen: Evidence, count: Mapping[str, int]) -> tuple[Promise, ...]:
    return (
        Promise(
            "P1",
            "accepted once",
            count["lost"] == count["invented"] == count["wrongly_quarantined"] == 0,
            f"{len(seen.sent)} entries acknowledged: {len(seen.ours.orders)} orders,"
            f" {len(seen.ours.quarantined)} quarantined, {count['lost']} lost",
        ),
        Promise(
            "P2",
            "bought at most once",
            count["bought_twice"] == count["strays"] == 0,
            f"{count['bought_twice']} orders too many at the providers, {count['strays']} nobody's",
        ),
        Promise(
            "P3",
            "never late",
            count["late"] == count["begun_late"] == 0,
            f"{count['late']} purchases after their quote's end by the providers' clocks,"
            f" {count['begun_late']} begun too late by ours",
        ),
    )


def _of_telling(seen: Evidence, count: Mapping[str, int]) -> Promise:
    wrong = count["unheard"] + count["disorderly"] + count["gaps"] + seen.received.forged
    return Promise(
        "P4",
        "every line told",
        wrong == 0,
        f"{len(seen.ours.told)} notifications, {count['unheard']} missing,"
        f" {count['disorderly']} lines out of order, {count['gaps']} gaps,"
        f" {seen.received.forged} not genuine",
    )


def _of_ending(seen: Evidence, count: Mapping[str, int]) -> tuple[Promise, ...]:
    return (
        Promise(
            "P5",
            "nothing only in Redis",
            count["lost"] == 0 == seen.left_in_streams,
            f"{count['lost']} lost, {seen.left_in_streams} entries left in a stream",
        ),
        Promise(
            "P6",
            "nothing silently stuck",
            count["unresolved"] == 0 and seen.run.gave_up is None,
            f"{count['unresolved']} neither finished nor parked"
            + (f"; gave up: {seen.run.gave_up}" if seen.run.gave_up else ""),
        ),
        Promise(
            "truth",
            "what we say is so",
            count["untrue"] == 0,
            f"{count['untrue']} orders are not what they say they are",
        ),
        Promise(
            "processes",
            "none ends by itself",
            count["ended"] == 0,
            f"{count['ended']} ended by themselves, {seen.run.kills} were killed",
        ),
    )
