"""A person's own editor, for a text that nobody else may read.

The text lies in a file of the user alone, in a folder of the user alone, and both are gone
afterwards with whatever the editor left beside it, also when the terminal is closed meanwhile.
"""

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from worker.errors import OrderlineError

_USUAL: Final = "vi"
_FAREWELLS: Final = (signal.SIGTERM, signal.SIGHUP)


class NotEdited(OrderlineError):
    """There is no editor, it failed, or it changed nothing."""


def edit(text: bytes) -> bytes:
    """What a person makes of a text in ``$VISUAL`` or ``$EDITOR``. Raises ``NotEdited``."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _USUAL
    with _tidy(), TemporaryDirectory(prefix="orderline-") as folder:
        path = Path(folder, "entry.json")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
        try:
            ended = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 -- the user's own choice
            made = path.read_bytes()
        except (OSError, ValueError) as error:
            raise NotEdited(f"{editor}: {getattr(error, 'strerror', None) or error}") from None
    if ended.returncode:
        raise NotEdited(f"{editor} ended with {ended.returncode}; nothing was replayed.")
    if made == text or not made.strip():
        said = "Nothing was changed" if made == text else "Nothing was left"
        raise NotEdited(f"{said} in the editor, and nothing was replayed.")
    return made


@contextmanager
def _tidy() -> Iterator[None]:
    """Be ended by these signals as by Ctrl-C, which leaves nothing behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may, and it alone is interrupted
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in _FAREWELLS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
