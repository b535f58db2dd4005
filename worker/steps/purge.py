"""Upkeep of what has ended: personal data is erased after some time, the rest purged later.

What is to be done is found in the rows, each time anew: a run that was cut short, killed or doubled
leaves the rest to the next one.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from schemas.jobs import PURGE
from worker.providers import REGISTRY
from worker.runtime import Runtime
from worker.store import erasing, upkeep
from worker.store import purge as purging

PURGED_AT_ONCE: Final = 500
"""How much is deleted in one commit."""
ERASED_AT_ONCE: Final = 100
"""How many orders are erased in one: each intent is read and written, with the loop's own hands."""
SENT_AGAIN_FOR: Final = max(each.capabilities.replay_for for each in REGISTRY.values())
"""How long, at the most, a request may have to be sent again exactly as it was."""
LONGEST: Final = timedelta(seconds=20)
"""No batch begins later in a run than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a run came to. ``more`` says that it ended with work left, for the next one.

    ``orders`` were purged, ``quarantine`` entries deleted; ``personal`` counts the orders and the
    entries of which personal data was erased. Reconciliations, and
    events of endpoints and accounts, that old go uncounted.
    """

    orders: int
    personal: int
    quarantine: int
    more: bool


async def purge(rt: Runtime) -> Purged:
    """Purge what has been over for longer than the settings want it kept, for a bounded time.

    Each kind in turn, so that much of one holds up no other.
    """
    retention, personal = rt.settings.retention, rt.settings.personal_data_for
    kinds = {
        "orders": (partial(purging.bury, rt.db, retention), PURGED_AT_ONCE),
        "quarantine": (partial(purging.delete_closed, rt.db, retention), PURGED_AT_ONCE),
        "books": (partial(purging.delete_books, rt.db, retention), PURGED_AT_ONCE),
        **{
            f"{subject}s": (
                partial(purging.delete_events, rt.db, subject, retention),
                PURGED_AT_ONCE,
            )
            for subject in purging.BESIDE_ORDERS
        },
        "erased": (
            partial(erasing.erase, rt.db, personal, sent_again_for=SENT_AGAIN_FOR),
            ERASED_AT_ONCE,
        ),
        "closed": (partial(erasing.erase_closed, rt.db, personal), PURGED_AT_ONCE),
    }
    counts = dict.fromkeys(kinds, 0)
    ends = rt.clock.monotonic() + LONGEST.total_seconds()
    while kinds and rt.clock.monotonic() < ends:
        for kind, (batch, limit) in [*kinds.items()]:
            done = await batch(limit)
            counts[kind] += done
            if done < limit:
                del kinds[kind]
    await upkeep.note(rt.db, PURGE)
    return Purged(
        orders=counts["orders"],
        personal=counts["erased"] + counts["closed"],
        quarantine=counts["quarantine"],
        more=bool(kinds),
    )
