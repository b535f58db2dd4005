"""All pages of ``docs/reference`` that are made from the code.

``python -m tests.docs.reference`` prints them, ``--write`` puts them where they belong.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.docs import (
    commands_page,
    errors_page,
    events_page,
    imports_picture,
    settings_page,
    states_page,
)

PAGES: Final[Mapping[Path, Callable[[], str]]] = {
    settings_page.PAGE: settings_page.page,
    commands_page.PAGE: commands_page.page,
    events_page.PAGE: events_page.page,
    errors_page.PAGE: errors_page.page,
    states_page.PAGE: states_page.page,
    states_page.ORDERS: states_page.picture_of_orders,
    states_page.LINES: states_page.picture_of_lines,
    imports_picture.PICTURE: imports_picture.picture,
}


def main(arguments: Sequence[str]) -> None:
    for path, made in PAGES.items():
        if "--write" in arguments:
            path.write_text(made(), encoding="utf-8")
        else:
            sys.stdout.write(made())


if __name__ == "__main__":
    main(sys.argv[1:])
