"""A Celery app whose worker meets a ``Fate``, or whose engine lacks a safety (``CARELESS``)."""

import os

from tasks.app import app
from tests.crash import careless, watched
from tests.crash.fate import Fate

fate = Fate()
watched.watch(fate.answered)
careless.be(os.environ.get("CARELESS", ""))
app.on_boundary = fate.reached
