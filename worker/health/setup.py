"""Settings that parse and are unsafe all the same; accounts; keys."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from schemas.orders import AccountLoad
from worker.crypto import SealBroken, Vault
from worker.health.finding import Finding, fail, ok, unsafe, warn
from worker.settings import Settings
from worker.store.session import Database

_SEALED: Final = text("""
SELECT 'producer ' || producer AS owner, sealed_secret AS sealed FROM webhook_secrets
UNION ALL
SELECT 'token of ' || provider || '/' || account, sealed_token FROM tokens
WHERE sealed_token IS NOT NULL
ORDER BY owner
""")

_LEAST_LEASE_MARGIN: Final = timedelta(seconds=3)


def judge_development_hosts(hosts: str) -> Finding:
    """Plain http and private addresses are for development."""
    if not hosts:
        return ok("settings", "read; webhooks go to public https endpoints only")
    return unsafe(
        "settings",
        f"webhooks may go to {hosts} unencrypted and on private addresses, past every guard",
        "for development only: leave ORDERLINE_DEVELOPMENT_HOSTS empty in production",
    )


def judge_lease_margin(margin: timedelta) -> Finding | None:
    """A lease that ends with its call makes a slow commit look like a dead worker."""
    if margin >= _LEAST_LEASE_MARGIN:
        return None
    return warn(
        "leases",
        f"they outlast a call by only {margin.total_seconds():g} s",
        "set ORDERLINE_LEASE_MARGIN to 20, or orders of a slow worker count as in doubt",
    )


def judge_settings(settings: Settings) -> list[Finding]:
    """Everything that can be said of the settings alone."""
    found = (
        judge_development_hosts(settings.development_hosts),
        judge_lease_margin(settings.lease_margin),
    )
    return [finding for finding in found if finding is not None]


def judge_accounts(
    configured: Mapping[str, Mapping[str, object]], loads: Sequence[AccountLoad]
) -> list[Finding]:
    """Accounts that orders wait for must be configured."""
    names = sorted(f"{provider}/{name}" for provider, named in configured.items() for name in named)
    found = [
        fail(
            "accounts",
            f"{load.unfinished} unfinished orders of {load.provider}/{load.account}, which is not"
            " configured",
            f"set ORDERLINE_ACCOUNTS__{load.provider.upper()}__{load.account.upper()}__..., or they"
            " wait for ever",
        )
        for load in loads
        if load.unfinished and f"{load.provider}/{load.account}" not in names
    ]
    if not names:
        return [
            *found,
            warn("accounts", "none", "without ORDERLINE_ACCOUNTS__... nothing is ordered"),
        ]
    return [*found, ok("accounts", ", ".join(names))]


def judge_clocks(loads: Sequence[AccountLoad], margin: timedelta) -> list[Finding]:
    """A provider judges its quotes by its own clock, which should be ours."""
    seen = [load for load in loads if load.clock_ahead is not None]
    wrong = [
        load
        for load in seen
        if abs(load.clock_ahead or 0.0) - (load.clock_unsure or 0.0) > margin.total_seconds()
    ]
    if not wrong:
        return [ok("providers' clocks", "agree with the database's")] if seen else []
    return [
        warn(
            "providers' clocks",
            f"that of {load.provider}/{load.account} is {ahead_in_words(load)} the database's",
            "run NTP on the database's machine, or tell the provider; its quotes are taken to end"
            " as much earlier as its clock is ahead",
        )
        for load in wrong
    ]


def ahead_in_words(load: AccountLoad) -> str:
    """How far a provider's clock is off: ``3.2 s ahead of``."""
    ahead = load.clock_ahead or 0.0
    return f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'}"


async def broken_seals(db: Database, vault: Vault) -> tuple[int, list[str]]:
    """How many secrets are stored, and whose cannot be opened with the configured keys."""
    async with db.reading() as connection:
        rows = (await connection.execute(_SEALED)).all()
    broken = []
    for row in rows:
        try:
            vault.unseal(row.sealed)
        except SealBroken:
            broken.append(row.owner)
    return len(rows), broken


def judge_seals(stored: int, broken: Sequence[str]) -> Finding:
    """What was sealed must open."""
    if not broken:
        return ok("encryption", f"opens all {stored} stored secrets")
    return fail(
        "encryption",
        f"no configured key opens {len(broken)} of {stored} stored secrets: {', '.join(broken)}",
        "put the key that sealed them back into ORDERLINE_ENCRYPTION_KEYS, behind the current one",
    )
