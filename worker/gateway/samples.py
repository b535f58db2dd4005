"""Rows and answers as samples of metrics. Nothing here waits.

No value of a label comes from outside. An account is named by our settings; whatever else stands in
a row, because some intent said it, is one and the same ``not_configured``. A currency is three
letters, and there are only so many of them.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from prometheus_client.core import HistogramMetricFamily, Metric

from schemas.intents import FaultCode
from worker.books import Books, DifferenceKind
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.metrics import standing as families
from worker.metrics.families import Family
from worker.metrics.instruments import Values, blank
from worker.providers import REGISTRY
from worker.rests import AccountKey
from worker.store.session import Row
from worker.store.views_metrics import Flow
from worker.streams import Memory

NOT_CONFIGURED: Final = "not_configured"
OTHER: Final = "other"
_UNKNOWN: Final = "unknown"
_MOST_CURRENCIES: Final = 40
_CURRENCY: Final = re.compile("[A-Z]{3}")

ACCOUNT_STATES: Final = ("closed", "open", "probing", "paused")
ENDPOINT_STATES: Final = ("ok", "failing", "resting", "disabled")
_OPEN_STATES: Final = tuple(state for state in OrderState if state not in TERMINAL_ORDERS)

_NOTHING: Final = (0, Decimal())

Rows = Mapping[str, Sequence[Row] | None]


class Named:
    """The names that may be labels' values."""

    def __init__(self, accounts: Collection[AccountKey]) -> None:
        self.accounts = sorted(accounts)
        self._known = frozenset(accounts)
        self._currencies: set[str] = set()

    def account(self, provider: str, account: str) -> AccountKey:
        """The account, if it is one of ours."""
        if (provider, account) in self._known:
            return provider, account
        return (provider if provider in REGISTRY else _UNKNOWN), NOT_CONFIGURED

    def currency(self, said: str | None) -> str:
        """The currency, if it looks like one, and is among the first so many."""
        if said is None:
            return _UNKNOWN
        if said not in self._currencies:
            if len(self._currencies) >= _MOST_CURRENCIES or not _CURRENCY.fullmatch(said):
                return OTHER
            self._currencies.add(said)
        return said


class Samples:
    """Values of families by their labels' values."""

    def __init__(self) -> None:
        self.values: dict[str, dict[Values, float]] = defaultdict(dict)

    def add(self, family: Family, value: float, *labels: str) -> None:
        """So much more of it."""
        values = self.values[family.name]
        values[labels] = values.get(labels, 0.0) + value

    def most(self, family: Family, value: float, *labels: str) -> None:
        """At least so much of it."""
        values = self.values[family.name]
        values[labels] = max(values.get(labels, value), value)

    def merge(self, other: "Samples") -> None:
        """All that another one has, too."""
        for name, values in other.values.items():
            self.values[name].update(values)

    def metrics(self, among: Sequence[Family]) -> Iterator[Metric]:
        """For Prometheus's library."""
        for family in among:
            metric = blank(family)
            assert not isinstance(metric, HistogramMetricFamily)  # noqa: S101 -- none is read
            for labels, value in sorted(self.values[family.name].items()):
                metric.add_metric(labels, value)
            yield metric


class Totals:
    """What happened since this process began to look, added up.

    A series that is new is told as 0 once, so that Prometheus sees its first increase.
    """

    def __init__(self, named: Named) -> None:
        self._named = named
        self._ended = {(key, end): 0 for key in named.accounts for end in TERMINAL_ORDERS}
        self._bought: dict[tuple[AccountKey, str], tuple[int, Decimal]] = {}
        self._shown: dict[tuple[AccountKey, str], tuple[int, Decimal]] = {}

    def add(self, flow: Flow) -> None:
        """What happened since it was last told."""
        for (key, state), orders in flow.ended.items():
            ended = self._named.account(*key), OrderState(state)
            self._ended[ended] = self._ended.get(ended, 0) + orders
        known = frozenset(self._bought)
        for (key, said), (orders, money) in flow.bought.items():
            bought = self._named.account(*key), self._named.currency(said)
            before = self._bought.get(bought, _NOTHING)
            self._bought[bought] = before[0] + orders, before[1] + money
        self._shown = {
            each: sums if each in known else _NOTHING for each, sums in self._bought.items()
        }

    def samples(self) -> Samples:
        """All of it by now."""
        told = Samples()
        for (key, end), orders in self._ended.items():
            told.add(families.ENDED, orders, *key, end)
        for (key, currency), (orders, money) in self._shown.items():
            told.add(families.BOUGHT, orders, *key, currency)
            told.add(families.MONEY_BOUGHT, float(money), *key, currency)
        return told


def of_database(rows: Rows, named: Named) -> Samples:
    """What the rows of ``views_metrics`` say; nothing of those that could not be read."""
    told = Samples()
    for name, tell in _TELLING.items():
        found = rows[name]
        if found is not None:
            tell(told, found, named)
    return told


def of_redis(
    intents: Mapping[str, tuple[int, float]], callbacks: tuple[int, float] | None, memory: Memory
) -> Samples:
    """What the streams and the server say. Whose intents wait, `orderline health` tells."""
    told = Samples()
    lags = {"intents": [*intents.values()], "callbacks": [callbacks] if callbacks else []}
    for stream, behind in lags.items():
        told.add(families.STREAM_ENTRIES, sum(count for count, _ in behind), stream)
        told.add(families.STREAM_AGE, max((age for _, age in behind), default=0.0), stream)
    told.add(families.REDIS_BYTES, memory.used)
    told.add(families.REDIS_SHARE, memory.share)
    return told


def _zeros(told: Samples, named: Named, *of: Family) -> None:
    for family in of:
        for key in named.accounts:
            told.add(family, 0.0, *key)


def _open(told: Samples, rows: Sequence[Row], named: Named) -> None:
    _zeros(told, named, families.DUE)
    for key in named.accounts:
        for state in _OPEN_STATES:
            told.add(families.ORDERS, 0.0, *key, state)
    for row in rows:
        key = named.account(row.provider, row.account)
        if row.state in _OPEN_STATES:  # one that has ended may still have a wish to be answered
            told.add(families.ORDERS, row.orders, *key, row.state)
        told.add(families.DUE, row.due, *key)
        if row.currency is not None:
            told.add(families.MONEY_OPEN, float(row.money), *key, named.currency(row.currency))


def _parked(told: Samples, rows: Sequence[Row], named: Named) -> None:
    _zeros(told, named, families.PARKED_AGE)
    for row in rows:
        key = named.account(row.provider, row.account)
        told.add(families.PARKED, row.orders, *key, row.reason)
        told.most(families.PARKED_AGE, row.age, *key)
        told.add(families.ORDERS, row.orders, *key, OrderState.PARKED)


Tell = Callable[[Samples, Sequence[Row], Named], None]
"""Adds what a query's rows say."""


def _ages(family: Family) -> Tell:
    """The greatest age of each account."""

    def tell(told: Samples, rows: Sequence[Row], named: Named) -> None:
        _zeros(told, named, family)
        for row in rows:
            told.most(family, row.age, *named.account(row.provider, row.account))

    return tell


def _counts(family: Family) -> Tell:
    """How many orders there are of each account."""

    def tell(told: Samples, rows: Sequence[Row], named: Named) -> None:
        _zeros(told, named, family)
        for row in rows:
            told.add(family, row.orders, *named.account(row.provider, row.account))

    return tell


def _accounts(told: Samples, rows: Sequence[Row], named: Named) -> None:
    _zeros(told, named, families.ACCOUNT_RESTS)
    states = dict.fromkeys(named.accounts, ACCOUNT_STATES[0])
    for row in rows:
        key = named.account(row.provider, row.account)
        states[key] = max(row.state, states.get(key, row.state), key=ACCOUNT_STATES.index)
        told.most(families.ACCOUNT_RESTS, row.rests, *key)
    for key, is_in in states.items():
        for state in ACCOUNT_STATES:
            told.add(families.ACCOUNT_STATE, float(state == is_in), *key, state)


def _notifications(told: Samples, rows: Sequence[Row], _: Named) -> None:
    told.add(families.OWED, rows[0].owed)
    told.add(families.OWED_AGE, max(rows[0].age or 0.0, 0.0))


def _endpoints(told: Samples, rows: Sequence[Row], _: Named) -> None:
    for state in ENDPOINT_STATES:
        told.add(families.ENDPOINTS, 0.0, state)
    for row in rows:
        told.add(families.ENDPOINTS, row.endpoints, row.state)


def _quarantine(told: Samples, rows: Sequence[Row], _: Named) -> None:
    for code in FaultCode:
        told.add(families.QUARANTINE, 0.0, code)
    for row in rows:
        told.add(families.QUARANTINE, row.entries, FaultCode(row.code))


def _differences(told: Samples, rows: Sequence[Row], named: Named) -> None:
    _zeros(told, named, families.FOR_A_PERSON)
    for row in rows:
        key = named.account(row.provider, row.account)
        told.add(families.DIFFERENCES, row.open, *key, DifferenceKind(row.kind))
        told.add(families.FOR_A_PERSON, row.needy, *key)


def _reconciled(told: Samples, rows: Sequence[Row], named: Named) -> None:
    """Of accounts whose provider has books; what is not configured here nobody reconciles."""
    for row in rows:
        key = named.account(row.provider, row.account)
        if key in named.accounts and REGISTRY[key[0]].capabilities.books is not Books.NONE:
            told.most(families.RECONCILED, row.age, *key)


def _jobs(told: Samples, rows: Sequence[Row], _: Named) -> None:
    for row in rows:
        told.add(families.JOB_EVERY, row.every, row.name)
        if row.age is not None:
            told.add(families.JOB_AGE, row.age, row.name)


_TELLING: Final[Mapping[str, Tell]] = {
    "open": _open,
    "parked": _parked,
    "overdue": _ages(families.OVERDUE),
    "in_doubt": _ages(families.IN_DOUBT),
    "ending": _counts(families.ENDING),
    "surplus": _counts(families.SURPLUS),
    "accounts": _accounts,
    "notifications": _notifications,
    "endpoints": _endpoints,
    "quarantine": _quarantine,
    "differences": _differences,
    "reconciled": _reconciled,
    "jobs": _jobs,
}
"""How the rows of each statement are told."""
