"""The process that owns the embedded servers: ``python -m worker.embedded.keeper``.

It reads one line of JSON (``servers.Wanted``), starts what is wanted and answers in lines of
JSON: ``{"say": …}`` now and then, at last ``{"servers": …}`` or ``{"error": …}``. Then it waits
for the end of its input, which comes when whoever started it leaves or dies, however that
happened; stops the servers and removes the run's folder.
"""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from worker.embedded.place import Place, a_place
from worker.embedded.postgres_server import postgres
from worker.embedded.redis_server import redis_server
from worker.embedded.servers import Servers, Wanted
from worker.errors import EmbeddedError


def main() -> None:
    """Run the servers until the input ends or somebody asks us to stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = Wanted(**json.loads(sys.stdin.readline()))
    # The reader of our answers may be gone, and Ctrl-C or SIGTERM is a request, not a fault.
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            with _servers(wanted) as servers:
                _answer({"servers": asdict(servers)})
                sys.stdin.read()
        except EmbeddedError as error:
            _answer({"error": str(error)})


@contextmanager
def _servers(wanted: Wanted) -> Iterator[Servers]:
    with ExitStack() as stack:
        place = stack.enter_context(a_place(Path(wanted.home), persistent=wanted.persistent))
        database_url, redis_url = wanted.database_url, wanted.redis_url
        if database_url is None:
            _answer({"say": "Starting PostgreSQL 18"})
            database_url = stack.enter_context(postgres(place, durable=wanted.durable))
        if redis_url is None:
            _answer({"say": "Starting Redis"})
            redis_url = stack.enter_context(redis_server(place, persistent=wanted.persistent))
        servers = Servers(database_url, redis_url)
        if wanted.persistent:
            stack.enter_context(_noted(place, servers))
        yield servers


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
