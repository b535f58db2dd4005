"""The sender itself against the whole table: what is refused never reaches the wire."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from schemas.intents.faults import IntentFault
from schemas.intents.reader import read_intent
from tests.delivery.addresses import NOT_PUBLIC, NOT_TOLD, PUBLIC, literal
from tests.delivery.certificates import certificate_of, server_side
from tests.delivery.network import Answers, Wire
from tests.delivery.producer import a_producer, a_sender, an_answer
from worker.delivery.sender import DeliveryResult, Failure, Sender

BODY = b'{"type":"line.accepted"}'
URL = "https://shop.example/hook"
EXAMPLE = Path(__file__).parents[2] / "deploy" / "examples" / "gifthub.json"
OUTSIDE, OUTSIDE_V6 = "8.8.8.8", "2606:4700:4700::1111"


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, event_loop_now: asyncio.AbstractEventLoop) -> Wire:
    wire = Wire(event_loop_now)
    monkeypatch.setattr(event_loop_now, "sock_connect", wire.sock_connect)
    return wire


@pytest.fixture
async def event_loop_now() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def post(url: str, resolver: AbstractResolver | None = None) -> DeliveryResult:
    async with a_sender(resolver=resolver or Answers([OUTSIDE])) as sender:
        return await sender.post(url, {}, BODY)


def test_the_table_is_long_enough_and_says_nothing_twice() -> None:
    assert len(NOT_PUBLIC) >= 60
    assert len(PUBLIC) >= 5
    assert len(set(NOT_TOLD)) == len(NOT_TOLD)


async def test_no_url_of_the_table_is_posted_to(wire: Wire) -> None:
    names = Answers([OUTSIDE])
    async with a_sender("127.0.0.1:8801", resolver=names) as sender:
        for url in NOT_TOLD:
            assert (await sender.post(url, {}, BODY)).error is Failure.BLOCKED, url
    assert wire.dialled == []
    assert names.asked == 0


def test_no_intent_names_a_url_of_the_table() -> None:
    intent = json.loads(EXAMPLE.read_bytes())
    read_intent(json.dumps({**intent, "notify_url": URL}).encode(), producer="shop-eu")
    for url in NOT_TOLD:
        with pytest.raises(IntentFault) as caught:
            read_intent(json.dumps({**intent, "notify_url": url}).encode(), producer="shop-eu")
        assert caught.value.path == "notify_url", url
        assert not url or url not in caught.value.detail


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_no_name_leads_to_such_an_address(address: str, wire: Wire) -> None:
    for answer in (
        [address],
        [OUTSIDE, address],
        [address, OUTSIDE],
        [OUTSIDE_V6, address],
        [OUTSIDE, OUTSIDE_V6, address],
    ):
        assert (await post(URL, Answers(answer))).error is Failure.BLOCKED
    assert wire.dialled == []


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_addresses_are_dialled(address: str, wire: Wire) -> None:
    for url in (URL, f"https://{literal(address)}/hook"):
        assert (await post(url, Answers([address]))).error is Failure.UNREACHABLE
    dialled = {each.replace("::ffff:8.8.8.8", "::ffff:808:808") for each in wire.dialled}
    assert len(wire.dialled) == 2
    assert dialled <= {address, "::ffff:808:808", "64:ff9b::808:808"}


async def test_every_public_answer_is_tried_in_turn(wire: Wire) -> None:
    assert (await post(URL, Answers([OUTSIDE_V6, OUTSIDE]))).error is Failure.UNREACHABLE
    assert sorted(wire.dialled) == sorted([OUTSIDE, OUTSIDE_V6])


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"])
async def test_a_name_that_changes_its_answer_between_two_tries_is_judged_again(
    address: str, wire: Wire
) -> None:
    async with a_sender(resolver=Answers([OUTSIDE], [address])) as sender:
        sender._guarded.connector._use_dns_cache = False  # type: ignore[union-attr] # it has one
        assert (await sender.post(URL, {}, BODY)).error is Failure.UNREACHABLE
        assert (await sender.post(URL, {}, BODY)).error is Failure.BLOCKED
    assert wire.dialled == [OUTSIDE]


class Turncoat(dict[str, Any]):
    """An answer that is public when it is judged and another when it is dialled."""

    def __init__(self, answer: ResolveResult, address: str) -> None:
        super().__init__(answer)
        self._next = address

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key == "host":
            self[key] = self._next
        return value


class TurncoatAnswers(Answers):
    def __init__(self, address: str) -> None:
        super().__init__([OUTSIDE_V6 if ":" in address else OUTSIDE])
        self._address = address

    async def resolve(self, *args: Any, **options: Any) -> list[ResolveResult]:
        answers = await super().resolve(*args, **options)
        return [Turncoat(answer, self._address) for answer in answers]  # type: ignore[misc] # sly


@pytest.mark.parametrize("address", [each for each in NOT_PUBLIC if "%" not in each])
async def test_an_address_that_changes_after_it_was_judged_is_stopped_at_the_socket(
    address: str, wire: Wire
) -> None:
    assert (await post(URL, TurncoatAnswers(address))).error is Failure.BLOCKED
    assert wire.dialled == []


@pytest.fixture(scope="module")
def shop_pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_of("shop.example", tmp_path_factory.mktemp("tls"))


def trust(sender: Sender, pem: Path) -> None:
    """Let the guarded session believe a certificate that no authority signed."""
    connector = sender._guarded.connector
    assert connector is not None
    connector._ssl = ssl.create_default_context(cafile=pem)  # type: ignore[attr-defined] # of its TCP kind


async def test_the_server_hears_the_urls_name_though_an_address_was_dialled(
    wire: Wire, shop_pem: Path
) -> None:
    asked: list[str | None] = []
    tls = server_side(shop_pem)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with a_producer(tls=tls) as shop, a_sender(resolver=Answers([OUTSIDE])) as sender:
        wire.port = shop.port
        trust(sender, shop_pem)
        result = await sender.post(URL, {}, BODY)
    assert result.acknowledged
    assert asked == ["shop.example"]
    assert "\r\nHost: shop.example\r\n" in shop.heads[0]
    assert wire.dialled == [OUTSIDE]


async def test_a_certificate_of_another_name_is_not_in_order(wire: Wire, shop_pem: Path) -> None:
    async with (
        a_producer(tls=server_side(shop_pem)) as shop,
        a_sender(resolver=Answers([OUTSIDE])) as sender,
    ):
        wire.port = shop.port
        trust(sender, shop_pem)
        result = await sender.post("https://www.shop.example/hook", {}, BODY)
    assert result.error is Failure.TLS
    assert shop.bodies == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://127.0.0.1:6379/",
        "/elsewhere",
        "//169.254.169.254/",
    ],
)
async def test_a_redirect_leads_nowhere(
    status: int, location: str, wire: Wire, shop_pem: Path
) -> None:
    answer = an_answer(f"{status} Look there", b"", f"Location: {location}")
    async with (
        a_producer(answer, tls=server_side(shop_pem)) as shop,
        a_sender(resolver=Answers([OUTSIDE])) as sender,
    ):
        wire.port = shop.port
        trust(sender, shop_pem)
        result = await sender.post(URL, {}, BODY)
    assert (result.code, result.acknowledged) == (status, False)
    assert (wire.dialled, len(shop.bodies)) == ([OUTSIDE], 1)


async def test_no_proxy_comes_between(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert (await post(URL)).error is Failure.UNREACHABLE
    assert wire.dialled == [OUTSIDE]
