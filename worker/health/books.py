"""Whether our books are held beside the providers', and what of that waits for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.books import RunView
from schemas.orders import distance
from worker.books import Books
from worker.health.finding import Finding, ok, warn
from worker.health.progress import age, plural
from worker.provider import Accounts
from worker.providers import REGISTRY
from worker.store.session import Database
from worker.store.tables_books import RunState
from worker.store.views_books import needing_a_person, newest_runs, ordering_for

Key = tuple[str, str]

_TURNS: Final = 2
"""An account is late when it was not reconciled for so many of its turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksFacts:
    """What the rows say, by account.

    Open differences for a person, the newest run that ended, and how long ago the first order was.
    """

    needy: Mapping[Key, int]
    runs: Mapping[Key, RunView]
    ordering_for: Mapping[Key, timedelta]


async def read_books(db: Database) -> BooksFacts:
    """Look at the rows."""
    return BooksFacts(
        needy=await needing_a_person(db),
        runs=await newest_runs(db),
        ordering_for=await ordering_for(db),
    )


def judge_books(facts: BooksFacts, accounts: Accounts, every: timedelta) -> list[Finding]:
    """Whether each account whose provider has books is reconciled, and what came of that."""
    readable = [
        (provider, name)
        for provider, named in sorted(accounts.items())
        for name in sorted(named)
        if REGISTRY[provider].capabilities.books is not Books.NONE
    ]
    late = [each for key in readable if (each := _late(key, facts, every)) is not None]
    if not late and (known := [key for key in readable if key in facts.runs]):
        late = [ok("books", f"{plural(len(known), 'account')} reconciled in time")]
    return [*late, *_judge_differences(facts.needy)]


def _late(key: Key, facts: BooksFacts, every: timedelta) -> Finding | None:
    name = "/".join(key)
    run, limit = facts.runs.get(key), _TURNS * every
    if run is None:
        if facts.ordering_for.get(key, timedelta()) < limit:
            return None
        return warn(
            "books",
            f"{name} was never reconciled",
            f"start beat and a worker that has the account; {_again(key)} does it now",
        )
    ended: datetime = run.ended_at or run.started_at
    when = distance(ended, run.as_of)
    if run.state == RunState.FAILED:
        return warn(
            "books",
            f"the last reconciliation of {name} failed {when}: {run.reason}",
            f"see `orderline providers --check`; {_again(key)} tries once more",
        )
    if run.as_of - ended > limit:
        return warn(
            "books",
            f"{name} was reconciled {when}, is due every {age(every.total_seconds())}",
            f"start beat and a worker that has the account; {_again(key)} does it now",
        )
    return None


def _again(key: Key) -> str:
    return f"`orderline reconcile --provider {key[0]} --account {key[1]}`"


def _judge_differences(needy: Mapping[Key, int]) -> Sequence[Finding]:
    if not needy:
        return [ok("differences", "none needs a person")]
    said = ", ".join(f"{count} of {'/'.join(key)}" for key, count in needy.items())
    return [
        warn(
            "differences",
            f"{plural(sum(needy.values()), 'open difference')} for a person: {said}",
            "see `orderline differences`",
        )
    ]
