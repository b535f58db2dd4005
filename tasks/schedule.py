"""What beat rings, and when: every schedule there is, in one table.

Each job asks the rows what there is to do. So two beats at once do no harm, a ring that is lost
is made up for by the next one, and after a pause nothing has piled up. When each was last done
stands in the database, where ``orderline doctor`` sees a turn that was missed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas import jobs

EVERY: Final[Mapping[str, timedelta]] = {
    jobs.SWEEP: timedelta(seconds=1),
    jobs.EXPIRE: timedelta(seconds=2),
    jobs.RECONCILE: timedelta(seconds=15),
    jobs.PURGE: timedelta(minutes=5),
}
"""How often each job is done. Which accounts a reconciliation is due for, and what has been over
for long enough to be purged, the settings say: the job only looks."""

_WORTH: Final = timedelta(seconds=10)
"""For how long a ring is of use at least: while no worker runs, they need not pile up."""

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When beat, which remembers nothing, has rung last. So it rings for everything as it starts: else
what is done every few minutes would look silent until then, or never be done at all where beat is
restarted more often."""

SCHEDULE: Final[Mapping[str, Mapping[str, Any]]] = {
    task: {
        "task": task,
        "schedule": every,
        "last_run_at": _LONG_AGO,
        "options": {"expires": max(every, _WORTH).total_seconds()},
    }
    for task, every in EVERY.items()
}
