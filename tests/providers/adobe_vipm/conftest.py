"""One Adobe account each: for orders that are placed at once, and for those previewed first."""

import logging
from collections.abc import AsyncIterator

import pytest

from tests.providers.adobe_vipm.licences import CANCELLING, PREVIEWED
from tests.providers.trial import Trial
from worker.sandbox import Sandbox


@pytest.fixture
async def adobe(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Trial]:
    caplog.set_level(logging.DEBUG)
    async with Trial(sandbox, "adobe_vipm", None, CANCELLING) as one:
        yield one
        assert not [secret for secret in one.secrets if secret in caplog.text]


@pytest.fixture
async def previewing(sandbox: Sandbox) -> AsyncIterator[Trial]:
    async with Trial(sandbox, "adobe_vipm", PREVIEWED, CANCELLING) as one:
        yield one
