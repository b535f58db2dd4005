import asyncio
import gzip
import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from structlog.testing import capture_logs

from tests.delivery.certificates import certificate_of, server_side
from tests.delivery.producer import Behaviour, a_pair, a_producer, a_sender, an_answer
from worker.delivery.guard import Blocked
from worker.delivery.sender import Failure, _retry_after
from worker.delivery.signing import Signer, new_secret

BODY = b'{"type":"line.accepted"}'
GOODS_BODY = b'{"type":"line.delivered","data":{"goods":[{"code":"ABCD-1234"}]}}'
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    linger_not = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    writer.transport.abort()


async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the other side gives up


async def stop_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthank you")
    await reader.read()


async def break_in_the_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthank you")
    await writer.drain()
    writer.close()


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nA: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def never_end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"c000\r\n" + b"no " * 0x4000 + b"\r\n")
        await writer.drain()


class Loopback(AbstractResolver):
    """A name server that answers every question with one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not self._address:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        address = self._address
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
        ]

    async def close(self) -> None:
        return


async def test_a_signed_notification_arrives_byte_for_byte_and_verifies() -> None:
    secret = new_secret()
    async with a_pair() as (producer, sender):
        headers = Signer([secret]).sign("evt_1", datetime.now(UTC), BODY)
        result = await sender.post(producer.url, headers, BODY)
    assert result.acknowledged
    assert (result.code, result.error) == (204, None)
    assert result.duration > timedelta()
    assert producer.bodies == [BODY]
    received = dict(line.split(": ", 1) for line in producer.heads[0].splitlines()[1:] if line)
    assert received["Content-Type"] == "application/json"
    Webhook(secret).verify(producer.bodies[0], received)


@pytest.mark.parametrize(
    ("status", "acknowledged"),
    [
        ("200 OK", True),
        ("202 Accepted", True),
        ("299 Fine", True),
        ("304 Not Modified", False),
        ("400 Bad Request", False),
        ("404 Not Found", False),
        ("500 Oops", False),
    ],
)
async def test_only_2xx_is_an_acknowledgement(status: str, *, acknowledged: bool) -> None:
    async with a_pair(an_answer(status)) as (producer, sender):
        result = await sender.post(producer.url, {}, BODY)
    assert result.acknowledged is acknowledged
    assert result.code == int(status[:3])
    assert not result.gone


async def test_a_producer_can_say_that_it_wants_no_more() -> None:
    async with a_pair(an_answer("410 Gone")) as (producer, sender):
        assert (await sender.post(producer.url, {}, BODY)).gone


async def test_a_producer_can_ask_for_a_pause() -> None:
    async with a_pair(an_answer("429 Slow down", b"", "Retry-After: 120")) as (producer, sender):
        result = await sender.post(producer.url, {}, BODY)
    assert (result.code, result.retry_after) == (429, timedelta(seconds=120))


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("0", timedelta()),
        ("Sun, 22 Nov 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("Sun, 22 Nov 2026 10:02:00 -0000", timedelta(minutes=2)),
        ("Sun, 22 Nov 2026 09:00:00 GMT", timedelta()),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, None),
        ("Sun, 22 Nov 2026 10:02:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, wait: timedelta | None) -> None:
    assert _retry_after(value, NOW) == wait


@given(st.text() | st.from_regex(r"Sun, \d+ Nov \d+ \d+:\d+:\d+ [-+]?\w+", fullmatch=True))
def test_no_retry_after_header_can_break_the_sender(value: str) -> None:
    wait = _retry_after(value, NOW)
    assert wait is None or wait >= timedelta()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_an_answer_and_is_never_followed(status: str) -> None:
    async with a_producer() as inside:
        for location in (inside.url, "http://169.254.169.254/latest/meta-data/"):
            redirect = an_answer(status, b"", f"Location: {location}")
            async with a_producer(redirect) as producer, a_sender(producer.host) as sender:
                result = await sender.post(producer.url, {}, BODY)
            assert (result.code, result.acknowledged) == (int(status[:3]), False)
    assert inside.connections == 0


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (hang_up, Failure.RESET),
        (reset, Failure.RESET),
        (say_nothing, Failure.TIMEOUT),
        (drip, Failure.TIMEOUT),
        (b"\x00\x01 good morning\r\n\r\n", Failure.GARBAGE),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", Failure.GARBAGE),
    ],
)
async def test_a_producer_that_gives_no_answer_is_named_for_how(
    behaviour: bytes | Behaviour, failure: Failure
) -> None:
    async with a_pair(behaviour) as (producer, sender):
        deadline = 0.2 if failure is Failure.TIMEOUT else 30
        result = await sender.post(producer.url, {}, BODY, deadline_seconds=deadline)
    assert (result.code, result.error, result.acknowledged) == (None, failure, False)
    assert producer.bodies == [BODY]


async def test_nobody_listening_is_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    async with a_sender(host) as sender:
        assert (await sender.post(f"http://{host}/", {}, BODY)).error is Failure.REFUSED


@pytest.mark.parametrize("behaviour", [stop_in_the_body, break_in_the_body])
async def test_a_status_is_an_answer_though_the_body_behind_it_fails(
    behaviour: Behaviour,
) -> None:
    async with a_pair(behaviour) as (producer, sender):
        result = await sender.post(producer.url, {}, BODY, deadline_seconds=0.5)
    assert result.acknowledged
    assert result.excerpt == "thank you"


async def test_an_endless_answer_is_cut_and_its_connection_dropped() -> None:
    async with a_pair(never_end) as (producer, sender):
        for _ in range(2):
            result = await sender.post(producer.url, {}, BODY)
            assert result.code == 500
            assert result.excerpt == "no " * 333 + "…"
    assert producer.connections == 2


async def test_a_compressed_answer_is_not_inflated() -> None:
    bomb = gzip.compress(b"a" * 10_000_000)
    answer = an_answer("500 Oops", bomb, "Content-Encoding: gzip")
    async with a_pair(answer) as (producer, sender):
        result = await sender.post(producer.url, {}, BODY)
    assert 0 < len(result.excerpt) <= 1024
    assert "aaaa" not in result.excerpt


async def test_an_excerpt_holds_nothing_a_terminal_or_a_database_could_choke_on() -> None:
    answer = "no\x00\x1b[31m\u202e \u2028stöck\r\n".encode() + b"\xff"
    async with a_pair(an_answer("400 Bad Request", answer)) as (producer, sender):
        result = await sender.post(producer.url, {}, BODY)
    assert result.excerpt == "no  [31m   stöck  \N{REPLACEMENT CHARACTER}"
    assert "stöck" not in repr(result)


async def test_an_excerpt_shows_neither_what_we_signed_with_nor_whom_the_receiver_knows() -> None:
    secrets = [new_secret(), new_secret()]
    headers = Signer(secrets).sign("evt_1", NOW, BODY)
    signatures = headers["webhook-signature"].split()
    echo = f"bad: {headers}, {' '.join(secrets)}; {signatures[1][3:]}; ask ada@shop.example"
    async with a_pair(an_answer("400 Bad Request", echo.encode())) as (producer, sender):
        result = await sender.post(producer.url, headers, BODY)
    assert result.excerpt.startswith("bad: {'webhook-id': 'evt_1'")
    for hidden in (*secrets, *signatures, *(each[3:] for each in signatures), "ada"):
        assert hidden not in result.excerpt


async def test_an_answer_to_delivered_codes_is_not_kept_for_it_may_echo_them() -> None:
    async with a_pair(an_answer("500 Oops", b"you sent " + GOODS_BODY)) as (producer, sender):
        assert (await sender.post(producer.url, {}, GOODS_BODY)).excerpt == ""
        assert "you sent" in (await sender.post(producer.url, {}, BODY)).excerpt


async def test_a_connection_is_used_again() -> None:
    async with a_pair(an_answer("200 OK", b"thanks")) as (producer, sender):
        for _ in range(3):
            assert (await sender.post(producer.url, {}, BODY)).acknowledged
    assert (producer.connections, len(producer.bodies)) == (1, 3)


async def test_a_post_lost_on_a_used_connection_is_reported_and_not_silently_repeated() -> None:
    async with a_pair() as (producer, sender):
        assert (await sender.post(producer.url, {}, BODY)).acknowledged
        producer.behaviour = hang_up
        assert (await sender.post(producer.url, {}, BODY)).error is Failure.RESET
    assert (producer.connections, len(producer.bodies)) == (1, 2)


async def test_a_producers_cookies_are_forgotten() -> None:
    async with a_producer(an_answer("200 OK", b"", "Set-Cookie: a=b")) as producer:
        host = f"localhost:{producer.port}"
        async with a_sender(host) as sender:
            for _ in range(2):
                assert (await sender.post(f"http://{host}/", {}, BODY)).acknowledged
    assert not any("cookie" in head.lower() for head in producer.heads)


async def test_a_proxy_in_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with a_pair() as (producer, sender):
        assert (await sender.post(producer.url, {}, BODY)).acknowledged


async def test_a_host_that_nobody_exempted_is_blocked_unasked() -> None:
    async with a_producer() as producer, a_sender("127.0.0.1:1") as sender:
        for scheme in ("http", "https"):
            result = await sender.post(f"{scheme}://{producer.host}/", {}, BODY)
            assert result.error is Failure.BLOCKED
    assert producer.connections == 0


async def test_a_name_that_leads_inside_is_blocked_before_a_byte_is_sent() -> None:
    async with (
        a_producer() as producer,
        a_sender(ports={producer.port}, resolver=Loopback("127.0.0.1")) as sender,
    ):
        result = await sender.post(f"https://shop.example:{producer.port}/", {}, BODY)
    assert result.error is Failure.BLOCKED
    assert producer.connections == 0


async def test_the_senders_sockets_are_guarded_even_where_no_other_gate_is_met() -> None:
    async with a_producer() as producer, a_sender() as sender:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await sender._guarded.post(producer.url)  # a literal, past check_url and resolver
    assert isinstance(caught.value.os_error, Blocked)
    assert producer.connections == 0


async def test_a_name_that_does_not_exist_is_a_failure_of_dns() -> None:
    async with a_sender(resolver=Loopback("")) as sender:
        assert (await sender.post("https://shop.example/", {}, BODY)).error is Failure.DNS


@pytest.fixture(scope="session")
def home_made_certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a server shows whose certificate no authority signed."""
    return server_side(certificate_of("localhost", tmp_path_factory.mktemp("tls")))


async def test_an_unknown_certificate_is_not_accepted_even_in_development(
    home_made_certificate: ssl.SSLContext,
) -> None:
    async with a_producer(tls=home_made_certificate) as producer, a_sender("localhost") as sender:
        result = await sender.post(f"https://localhost:{producer.port}/", {}, BODY)
    assert result.error is Failure.TLS
    assert producer.bodies == []


async def test_a_cancelled_post_is_cancelled() -> None:
    asked = asyncio.Event()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await say_nothing(reader, writer)

    async with a_pair(ask) as (producer, sender):
        post = asyncio.create_task(sender.post(producer.url, {}, BODY))
        await asked.wait()
        post.cancel()
        with pytest.raises(asyncio.CancelledError):
            await post


async def test_a_fault_of_our_own_is_a_result_and_one_log_line_without_the_url() -> None:
    async with a_pair() as (producer, sender):
        with capture_logs() as logs:
            result = await sender.post(f"{producer.url}?token=hush", {"a": "b\r\nc: d"}, BODY)
    assert result.error is Failure.UNEXPECTED
    assert producer.bodies == []
    assert [line["event"] for line in logs] == ["delivery_failed_unexpectedly"]
    assert "hush" not in str(logs)
