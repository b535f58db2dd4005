"""The app as Flower needs it: ``celery -A tasks.watching flower``.

It knows the broker and the queues. Not the tasks, so that none can be sent from there, and no
setting but where Redis is: who watches needs neither the database nor the key. Flower by itself
lets everybody in, and do what they like; from here it starts with a login only, and changes
nothing unless it is told to.
"""

from pathlib import Path
from typing import Any

from celery import Celery
from flower.options import options

from tasks.broker import broker_settings
from tasks.queues import QUEUES
from tasks.start import refuse
from worker.errors import SettingsError
from worker.settings import load_redis_url


def configuration() -> dict[str, Any]:
    """Celery's settings for one who only watches."""
    try:
        redis_url = load_redis_url()
    except SettingsError as error:
        refuse(str(error))
    return {
        **broker_settings(redis_url.get_secret_value(), "orderline-flower"),
        "task_queues": QUEUES,
        "task_create_missing_queues": False,
        "task_default_queue": "upkeep",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "result_backend": None,
        "enable_utc": True,
        "timezone": "UTC",
    }


class _Doorkeeper:
    """Looks at Flower's options whenever they were read, before anything is served.

    Flower reads its arguments, then its file if there is one, then its arguments once more: a
    login that stands in the file is only known after that.
    """

    def __init__(self) -> None:
        self._looked = False

    def __call__(self) -> None:
        first, self._looked = not self._looked, True
        if first and Path(options.conf).exists():
            return
        if not options.auth and not _logins():
            refuse(
                "Flower has no login, so it does not start: set FLOWER_BASIC_AUTH=NAME:PASSWORD in"
                " its environment, or basic_auth in its flowerconfig.py."
            )


def _logins() -> list[str]:
    """The logins that were given, if each is one: an empty name or password is none."""
    given = [*(options.basic_auth or ())]
    return given if all(all(each.partition(":")[::2]) for each in given) else []


app = Celery("orderline")
app.add_defaults(configuration)
options.read_only = True
options.add_parse_callback(_Doorkeeper())
