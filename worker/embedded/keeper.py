"""The process that owns the embedded servers: ``python -m worker.embedded.keeper``.

It reads one line of JSON (``servers.Wanted``), starts what is wanted and answers in lines of
JSON: ``{"say": …}`` now and then, at last ``{"servers": …}`` or ``{"error": …}``. From then on a
line ``{"restart": "postgres", "how": "kill"}`` (or ``"redis"``, ``"stop"``) takes a server down and
starts it again; it is answered, by ``{"restarted": …}`` or ``{"error": …}``, when that server
accepts connections. The end of its input comes when whoever started it leaves or dies, however
that happened: then it stops the servers and removes the run's folder.
"""

import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from worker.embedded.place import Place, a_place
from worker.embedded.postgres_server import postgres
from worker.embedded.process import How, Restartable
from worker.embedded.redis_server import redis_server
from worker.embedded.servers import POSTGRES, REDIS, Servers, Wanted
from worker.errors import EmbeddedError


def main() -> None:
    """Run the servers until the input ends or somebody asks us to stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = Wanted(**json.loads(sys.stdin.readline()))
    # The reader of our answers may be gone, and Ctrl-C or SIGTERM is a request, not a fault.
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            with _servers(wanted) as (servers, restartable):
                _answer({"servers": asdict(servers)})
                for line in sys.stdin:
                    _restart(restartable, **json.loads(line))
        except EmbeddedError as error:
            _answer({"error": str(error)})


def _restart(servers: Mapping[str, Restartable], *, restart: str, how: str) -> None:
    servers[restart].restart(How(how))
    _answer({"restarted": restart})


@contextmanager
def _servers(wanted: Wanted) -> Iterator[tuple[Servers, dict[str, Restartable]]]:
    with ExitStack() as stack:
        place = stack.enter_context(a_place(Path(wanted.home), persistent=wanted.persistent))
        database_url, redis_url = wanted.database_url, wanted.redis_url
        started: dict[str, Restartable] = {}
        if database_url is None:
            _answer({"say": "Starting PostgreSQL 18"})
            database = stack.enter_context(
                postgres(place, durable=wanted.durable, restartable=wanted.restartable)
            )
            database_url, started[POSTGRES] = database.url, database.server
        if redis_url is None:
            _answer({"say": "Starting Redis"})
            lasting = wanted.persistent or wanted.restartable
            redis = stack.enter_context(redis_server(place, persistent=lasting))
            redis_url, started[REDIS] = redis.url, redis.server
        servers = Servers(database_url, redis_url)
        if wanted.persistent:
            stack.enter_context(_noted(place, servers))
        yield servers, started


@contextmanager
def _noted(place: Place, servers: Servers) -> Iterator[None]:
    """Leave a note for ``running_servers``. Only its owner may read it: it holds a password."""
    note = place.data / "servers.json"
    note.unlink(missing_ok=True)
    note.touch(mode=0o600)
    note.write_text(json.dumps({"run": str(place.run), "servers": asdict(servers)}))
    try:
        yield
    finally:
        note.unlink()


def _answer(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201  stdout is how we answer


if __name__ == "__main__":
    main()
