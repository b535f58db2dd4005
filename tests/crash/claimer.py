"""A process that claims due orders, a few at a time, for as long as there are any.

``python -m tests.crash.claimer PROVIDER GO`` says that it is ready, begins when the file ``GO`` is
there, and prints the id of each, one a line.
"""

import asyncio
import sys
import time
from datetime import timedelta
from pathlib import Path

from worker.runtime import open_database, open_vault, worker_name
from worker.settings import load_settings
from worker.store import claims

_AT_ONCE = 20
_LEASE = timedelta(minutes=5)


async def claim_all(provider: str) -> None:
    settings = load_settings()
    db, vault = open_database(settings), open_vault(settings)
    while True:
        claimed = (
            await claims.claim(
                db,
                vault,
                claims.Taking(
                    provider=provider,
                    account="default",
                    free=_AT_ONCE,
                    worker=worker_name(),
                    lease=_LEASE,
                ),
            )
        ).orders
        if not claimed:
            break
        for each in claimed:
            print(each.order.order_id)  # noqa: T201 -- how the test learns it
    await db.close()


def main(provider: str, go: Path) -> None:
    print("ready", flush=True)  # noqa: T201 -- how the test learns it
    while not go.exists():
        time.sleep(0.005)
    asyncio.run(claim_all(provider))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
