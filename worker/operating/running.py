"""What deciding needs of the engine: a desk for every account that is configured well."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from worker.providers import read_accounts
from worker.runtime import Runtime, open_runtime
from worker.settings import Settings


@asynccontextmanager
async def open_desks_for_people(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime in which accounts that are configured wrongly are left out.

    Connects to nothing yet. Raises ``SettingsError``.
    """
    raw = settings.accounts
    good = {
        provider: {name: raw[provider][name] for name in named}
        for provider, named in read_accounts(raw).good.items()
    }
    async with open_runtime(settings.model_copy(update={"accounts": good})) as rt:
        yield rt
