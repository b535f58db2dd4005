"""Every metric that the gateway reads, when it is asked, from the database and from Redis.

Each gateway tells the same, so that sums over several of them are wrong: ``max by`` is right.
"""

from collections.abc import Sequence
from typing import Final

from worker.metrics.families import ACCOUNT, Family, counter, gauge

ORDERS: Final = gauge(
    "orders", "Orders that have not ended, by state; those that have are counted as they end",
    *ACCOUNT, "state",
)  # fmt: skip
DUE: Final = gauge(
    "orders_due", "Orders that are due now and that no worker holds: what to scale by", *ACCOUNT
)
OVERDUE: Final = gauge(
    "orders_overdue_seconds",
    "For how long the longest overdue order has been due; not of accounts that rest",
    *ACCOUNT,
)
IN_DOUBT: Final = gauge(
    "orders_in_doubt_seconds", "How long ago the oldest call was sent that is in doubt", *ACCOUNT
)
PARKED: Final = gauge("orders_parked", "Parked orders, by why they are", *ACCOUNT, "reason")
PARKED_AGE: Final = gauge(
    "orders_parked_seconds", "For how long the longest parked order waits for a person", *ACCOUNT
)
SURPLUS: Final = gauge(
    "surplus_orders", "Orders at the provider beyond what was asked for, undecided", *ACCOUNT
)
ENDING: Final = gauge(
    "quotes_ending",
    "Orders whose quote ends within a minute and that are still to be bought",
    *ACCOUNT,
)
ENDED: Final = counter("orders_ended", "Orders that ended, by state", *ACCOUNT, "state")
BOUGHT: Final = counter(
    "orders_bought", "Calls by which something was bought, by currency", *ACCOUNT, "currency"
)
MONEY_BOUGHT: Final = counter(
    "money_bought",
    "What those came to, as far as the price was known by then; `orderline report` is exact",
    *ACCOUNT,
    "currency",
)
MONEY_OPEN: Final = gauge(
    "money_open",
    "What orders that have not ended cost or, before a price is known, may cost at most",
    *ACCOUNT,
    "currency",
)

ACCOUNT_STATE: Final = gauge(
    "account_state", "1 for the state an account is in (closed, open, probing, paused), else 0",
    *ACCOUNT, "state",
)  # fmt: skip
ACCOUNT_RESTS: Final = gauge(
    "account_rests_seconds", "For how long an account has been resting; 0 where it is not", *ACCOUNT
)

OWED: Final = gauge("notifications_owed", "Notifications that no receiver has acknowledged yet")
OWED_AGE: Final = gauge(
    "notifications_overdue_seconds",
    "For how long the longest overdue notification has been due, of those that may go",
)
ENDPOINTS: Final = gauge(
    "endpoints", "Endpoints, by state (ok, failing, resting, disabled)", "state"
)
QUARANTINE: Final = gauge("quarantine_entries", "Entries in quarantine, by their fault", "code")

DIFFERENCES: Final = gauge(
    "differences_open", "Open differences between our books and a provider's", *ACCOUNT, "kind"
)
FOR_A_PERSON: Final = gauge("differences_for_a_person", "Those that only a person can close",
    *ACCOUNT,
)  # fmt: skip
RECONCILED: Final = gauge(
    "reconciled_seconds",
    "Since an account was last reconciled or, where it never was, since its first order",
    *ACCOUNT,
)

JOB_AGE: Final = gauge("job_seconds", "Since a job of beat was last done", "task")
JOB_EVERY: Final = gauge("job_every_seconds", "How often a job of beat is to be done", "task")

STREAM_ENTRIES: Final = gauge(
    "stream_entries", "Entries on the streams that were not taken in yet", "stream"
)
STREAM_AGE: Final = gauge(
    "stream_oldest_seconds", "How long the oldest of them waits; 0 where none does", "stream"
)
REDIS_BYTES: Final = gauge("redis_memory_bytes", "Memory that Redis uses")
REDIS_SHARE: Final = gauge(
    "redis_memory_share", "The same as a share of its maxmemory, or of its machine's memory"
)

UP: Final = gauge(
    "server_up", "1 where the gateway could read all that it tells of a server, else 0", "server"
)
READ_AGE: Final = gauge("standing_age_seconds", "How old these numbers are", "server")
READ_SECONDS: Final = gauge("standing_read_seconds", "How long it took to read them", "server")

STANDING: Final[Sequence[Family]] = (
    ORDERS, DUE, OVERDUE, IN_DOUBT, PARKED, PARKED_AGE, SURPLUS, ENDING, ENDED, BOUGHT,
    MONEY_BOUGHT, MONEY_OPEN, ACCOUNT_STATE, ACCOUNT_RESTS, OWED, OWED_AGE, ENDPOINTS, QUARANTINE,
    DIFFERENCES, FOR_A_PERSON, RECONCILED, JOB_AGE, JOB_EVERY, STREAM_ENTRIES, STREAM_AGE,
    REDIS_BYTES, REDIS_SHARE, UP, READ_AGE, READ_SECONDS,
)  # fmt: skip
"""All of them."""
