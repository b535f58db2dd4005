"""How a Celery process starts, or says in one line why it does not."""

import sys
from typing import NoReturn

from worker.errors import SettingsError
from worker.runtime import check_settings
from worker.settings import Settings, load_settings

USAGE_ERROR = 2


def refuse(sentence: str) -> NoReturn:
    """End the program, telling a person what to do."""
    sys.stderr.write(f"orderline: {sentence}\n")
    sys.exit(USAGE_ERROR)


def settings_or_exit() -> Settings:
    """The settings; a wrong one, an account's or a key included, ends the program."""
    try:
        settings = load_settings()
        check_settings(settings)
    except SettingsError as error:
        refuse(str(error))
    return settings
