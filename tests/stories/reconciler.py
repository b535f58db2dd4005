"""A process of its own that does one run over an account's books, and says what that took.

It writes a line of JSON for each progress, and a last one: seconds, and the most memory it held.
"""

import asyncio
import json
import re
import resource
import sys
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from worker.logs import configure
from worker.reconciliation import Progress, reconcile, start
from worker.runtime import open_runtime
from worker.settings import load_settings

BACK: Final = timedelta(days=1)


def say(what: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def peak_bytes() -> int:
    """The most memory that this process held. What its parent held before the ``exec`` counts for
    ``ru_maxrss`` on Linux, and is none of ours."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    if found is not None:
        return int(found[1]) * 1024
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


async def run(provider: str) -> None:
    """Do one run."""

    def watch(progress: Progress) -> None:
        say(asdict(progress))

    settings = load_settings()
    configure(settings.log_format, "warning")
    async with open_runtime(settings) as rt:
        desk = rt.desks[provider, "default"]
        begun = await start(desk, rt, back=BACK, asked_by="test")
        assert begun is not None
        before = time.monotonic()
        done = await reconcile(begun, desk, rt, asyncio.Event(), watch)
        seconds = time.monotonic() - before
    say({"state": done.state, "seconds": round(seconds, 1), "peak": peak_bytes()})


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
