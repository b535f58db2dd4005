"""The command ``orderline``, which meets a ``Fate`` at its own commits."""

from functools import partial

from tests.crash.fate import Fate
from tests.crash.watched import put_in_place
from worker.cli import main, session
from worker.operating import running
from worker.runtime import open_database, open_runtime

_reached = Fate().reached
put_in_place(session, "open_database", partial(open_database, on_boundary=_reached))
put_in_place(running, "open_runtime", partial(open_runtime, on_boundary=_reached))

if __name__ == "__main__":
    main()
