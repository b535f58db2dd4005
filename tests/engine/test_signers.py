"""Every message carries a signature for each live secret; what ended signs no more."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from worker.clock import Clock
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.errors import UnknownProducer
from worker.signers import CACHED, Signers
from worker.store import producers
from worker.store.session import Database

OLD, NEW = new_secret(), new_secret()
DAY = timedelta(days=1)
BODY = b"{}"


class Hands(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.at


class World:
    """A producer, a worker's signers, and both clocks."""

    def __init__(self, db: Database, vault: Vault, set_clock: Callable[[timedelta], None]) -> None:
        self.db, self.vault = db, vault
        self._hands = Hands()
        self._set_clock = set_clock
        self.signers = Signers(db, vault, self._hands)

    def pass_time(self, seconds: float) -> None:
        self._hands.at += seconds
        self._set_clock(timedelta(seconds=self._hands.at))

    async def rotate(self, keep: timedelta) -> None:
        await producers.rotate(
            self.db, self.vault, name="shop", secret=NEW, keep=keep, end_older=False
        )

    async def verified_by(self) -> list[str]:
        """Which of the secrets verify what is signed now, and how many signatures there are."""
        signer = await self.signers.of("shop")
        headers = signer.sign("evt_1", datetime.now(UTC), BODY)
        names = [name for name, secret in (("new", NEW), ("old", OLD)) if fits(secret, headers)]
        assert len(headers["webhook-signature"].split()) == len(names)
        return names


def fits(secret: str, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(BODY, headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.fixture
async def world(db: Database, vault: Vault, set_clock: Callable[[timedelta], None]) -> World:
    await producers.add(db, vault, name="shop", notify_url="https://shop.example/h", secret=OLD)
    return World(db, vault, set_clock)


async def test_a_rotation_is_seen_within_a_minute_and_both_secrets_verify(world: World) -> None:
    assert await world.verified_by() == ["old"]
    await world.rotate(DAY)
    assert await world.verified_by() == ["old"], "kept for a minute"
    world.pass_time(CACHED)
    assert await world.verified_by() == ["new", "old"]


async def test_what_is_kept_is_dropped_when_a_secret_ends(world: World) -> None:
    await world.rotate(timedelta(seconds=CACHED / 2))
    assert await world.verified_by() == ["new", "old"]
    world.pass_time(CACHED / 2 + 1)
    assert await world.verified_by() == ["new"]


async def test_what_ended_at_once_signs_no_longer_than_it_is_kept(world: World) -> None:
    assert await world.verified_by() == ["old"]
    await world.rotate(timedelta())
    world.pass_time(CACHED)
    assert await world.verified_by() == ["new"]


async def test_nobody_signs_for_a_name_that_is_not_registered(world: World) -> None:
    with pytest.raises(UnknownProducer):
        await world.signers.of("stranger")


async def test_of_many_that_find_nothing_kept_one_asks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    secrets_of = producers.secrets_of

    async def counted(db: Database, vault: Vault, name: str) -> list[producers.LiveSecret]:
        asked.append(name)
        return await secrets_of(db, vault, name)

    monkeypatch.setattr(producers, "secrets_of", counted)
    first, *others = await asyncio.gather(*(world.signers.of("shop") for _ in range(50)))
    assert all(signer is first for signer in others)
    assert asked == ["shop"]
