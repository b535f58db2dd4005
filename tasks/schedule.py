"""What beat rings, and when. Every job asks the rows what is due, so a second beat does no harm."""

from typing import Any, Final

from schemas import jobs

SCHEDULE: Final[dict[str, Any]] = {
    "sweep": {
        "task": jobs.SWEEP,
        "schedule": 1.0,
        "options": {"expires": 10},  # while no worker runs, sweeps need not pile up
    },
}
