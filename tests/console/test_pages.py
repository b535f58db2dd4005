"""Each page, as it is asked for by a browser: what stands on it, and what does not."""

import pytest

from tests.console.conftest import Pages, Somethings, filled
from worker.console.pages import DOORS
from worker.console.routes import Method

GETS = [door.path for door in DOORS if door.method is Method.GET and door.path != "/endpoint"]


@pytest.mark.parametrize("path", GETS)
async def test_every_page_is_shown(ada: Pages, somethings: Somethings, path: str) -> None:
    assert await ada.look(filled(path, somethings))


@pytest.mark.parametrize("path", [p for p in GETS if "{" not in p])
async def test_every_list_is_shown_when_there_is_nothing(vera: Pages, path: str) -> None:
    assert await vera.look(path)
