"""Pausing provider accounts and resuming them: which there are, and how each stands."""

from collections.abc import Set as AbstractSet

from schemas.accounts import AccountStory, AccountView
from worker.errors import NotFound
from worker.rests import AccountKey
from worker.settings import Settings
from worker.store.session import Database
from worker.store.views_accounts import account_story, accounts
from worker.store.views_books import database_now


async def known_accounts(db: Database, settings: Settings) -> AbstractSet[AccountKey]:
    """Every account that is configured, had an order, or was paused."""
    configured = {
        (provider, name) for provider, named in settings.accounts.items() for name in named
    }
    return configured | {(each.provider, each.account) for each in await accounts(db)}


async def every_account(db: Database, settings: Settings) -> list[AccountView]:
    """How each of them stands, those that rest first."""
    found = await accounts(db)
    seen = {(each.provider, each.account) for each in found}
    now = await database_now(db)
    fresh = sorted(await known_accounts(db, settings) - seen)
    return found + [AccountView(provider=p, account=a, state="closed", as_of=now) for p, a in fresh]


async def story_of(db: Database, settings: Settings, key: AccountKey) -> AccountStory:
    """Everything about an account. Raises ``NotFound`` where there is none of that name."""
    story = await account_story(db, key)
    if story is not None:
        return story
    if key not in await known_accounts(db, settings):
        raise NotFound(f"There is no account {'/'.join(key)}.")
    # Configured, and nothing happened to it yet.
    now = await database_now(db)
    view = AccountView(provider=key[0], account=key[1], state="closed", as_of=now)
    return AccountStory(account=view, events=())
