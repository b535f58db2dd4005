"""Real servers for a machine that has none: PostgreSQL 18 and Redis, for demos and tests.

    servers     what the rest uses: start them, use them, restart them, leave them
    keeper      the process between us and them; it outlives us just long enough to clean up
    place       where they live and as whom they run
    postgres_server, redis_server
                finding, starting and stopping the two

The one part of ``worker`` that is not ``async``: it runs before there is a loop and after it
is gone, and pytest's fixtures and the command line both want a plain ``with``.
Only ``cli`` and the tests import it.
"""

from worker.embedded.process import How
from worker.embedded.servers import (
    POSTGRES,
    REDIS,
    Keeper,
    Servers,
    embedded_servers,
    restartable_servers,
    running_servers,
)

__all__ = [
    "POSTGRES",
    "REDIS",
    "How",
    "Keeper",
    "Servers",
    "embedded_servers",
    "restartable_servers",
    "running_servers",
]
