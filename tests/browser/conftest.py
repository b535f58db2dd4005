"""A real Chromium before a real gateway, with a morning's orders behind it.

Debian's own Chromium, driven by Playwright: `make test-browser` sees that both are there.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, Page, async_playwright

from tests.browser.morning import Morning, make_morning
from tests.cli.world import World
from tests.console.conftest import (
    PASSWORD,
    Pages,
    kept_password,
    open_pages,
    sandbox,
    settings,
    world,
)
from tests.house.conftest import ROOT
from worker.operating.hand import Hand
from worker.settings import Settings
from worker.store import operators
from worker.store.deeds import Act
from worker.store.tables_operators import Role, Via

__all__ = ["sandbox", "settings", "world"]

SHOTS = ROOT / "docs" / "console"
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
_COLOURS = 256


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", action="store_true", help="write the console's pictures in docs/console"
    )


@dataclass
class Visitor:
    """Somebody before a browser."""

    page: Page
    url: str
    morning: Morning
    shoots: bool

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}/ops{path}")

    async def sign_in(self, name: str = "ada") -> None:
        await self.go("/")
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.get_by_role("heading", name="Overview").wait_for()

    async def picture(self, name: str, *, whole: bool = False) -> None:
        """Keep how the page looks, where that was asked for: small, in few colours."""
        if not self.shoots:
            return
        raw = await self.page.screenshot(full_page=whole)
        SHOTS.mkdir(parents=True, exist_ok=True)
        with Image.open(BytesIO(raw)) as shot:
            few = shot.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
            few.save(SHOTS / f"{name}.png", optimize=True)

    async def until(self, part: Locator, holds: Callable[[str], bool]) -> None:
        """Until what a part of the page says is so; the console's policy forbids to ask inside."""
        async with asyncio.timeout(20):
            while not holds(await part.inner_text()):
                await asyncio.sleep(0.1)

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider


Opener = Callable[..., Coroutine[Any, Any, Visitor]]


def chromium() -> str:
    """Debian's browser: a package of Python brings none that could be had here."""
    found = shutil.which("chromium")
    assert found, "there is no Chromium: see `make test-browser`"
    return found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium(), args=alone)
        yield running
        await running.close()


@pytest.fixture
async def morning(world: World) -> Morning:
    for name, role in (("ada", Role.OPERATE), ("vera", Role.VIEW)):
        deed = Hand("root", Via.COMMAND).deed(Act.OPERATOR_ADDED, about=name, role=role)
        await operators.add(world.db, name, role, kept_password(), deed)
    return await make_morning(world)


@pytest.fixture
async def gateway(settings: Settings, world: World, morning: Morning) -> AsyncIterator[Pages]:
    del morning
    async with open_pages(settings, world.db) as pages:
        yield pages


@pytest.fixture
async def visitor(
    browser: Browser, gateway: Pages, morning: Morning, request: pytest.FixtureRequest
) -> AsyncIterator[Opener]:
    """Opens a window: ``phone=True`` for a small one, ``script=False`` for one that runs none."""
    faults: list[str] = []

    async def opened(*, phone: bool = False, script: bool = True) -> Visitor:
        context = await browser.new_context(
            viewport=PHONE if phone else DESK,
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=1,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        url = str(gateway.http.base_url)
        return Visitor(page, url, morning, bool(request.config.getoption("--screenshots")))

    yield opened
    assert not [fault for fault in faults if "status of 40" not in fault], (
        "what the browser complained of"
    )
