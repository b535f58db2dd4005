"""What surely never left: no connection, or a request that was held back at the last moment."""

import asyncio
import socket
import ssl
import struct
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.http.conftest import Peer, Remote, ample
from worker.http import AiohttpTransport, Channel, Deadline, Reply
from worker.outcome import InDoubt, NotSent

METHODS = pytest.mark.parametrize("method", ["POST", "PUT", "GET"])


async def call(channel: Channel, method: str = "POST", deadline: Deadline | None = None) -> object:
    async with channel:
        return await channel.send(
            method, "/order", deadline=deadline or ample(), commits=True, content=b"{}"
        )


@METHODS
async def test_nobody_listens(method: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    assert await call(Channel(f"http://127.0.0.1:{port}"), method) == NotSent("connect_failed")


async def test_the_name_does_not_resolve() -> None:
    assert await call(Channel("http://nonexistent.invalid")) == NotSent("dns_failed")


async def test_nobody_accepts(deaf_port: int) -> None:
    transport = AiohttpTransport(connect_timeout=0.2)
    channel = Channel(f"http://127.0.0.1:{deaf_port}", transport=transport)
    assert await call(channel) == NotSent("connect_timeout")


async def test_nobody_accepts_before_the_request_had_to_be_written(deaf_port: int) -> None:
    deadline = Deadline.after(start=0.2, total=60)
    channel = Channel(f"http://127.0.0.1:{deaf_port}")
    assert await call(channel, deadline=deadline) == NotSent("deadline_passed")


async def test_no_place_in_the_pool_gets_free_in_time(remote: Remote) -> None:
    reading = asyncio.Event()

    async def hang(peer: Peer) -> None:
        await peer.read()
        reading.set()

    remote.behaviours = [hang]
    async with Channel(remote.url, limit=1) as channel:
        first = asyncio.create_task(channel.send("POST", "/1", deadline=ample(), commits=True))
        await reading.wait()
        soon = Deadline.after(start=0.1, total=60)
        got = await channel.send("POST", "/2", deadline=soon, commits=True)
        assert got == NotSent("deadline_passed")
    assert isinstance(await first, InDoubt)
    assert remote.connections == len(remote.hits) == 1


@METHODS
async def test_the_deadline_passes_between_connecting_and_writing(
    remote: Remote, method: str
) -> None:
    """As when the process was paused just then: the clock leaps at the last look."""
    looks = iter([0.0, 1000.0])
    transport = AiohttpTransport(monotonic=lambda: next(looks))
    deadline = Deadline.after(start=10, total=2000, now=0.0)
    got = await call(Channel(remote.url, transport=transport), method, deadline)
    assert got == NotSent("deadline_passed")
    assert remote.hits == []


async def test_a_remote_that_hangs_up_at_once_was_not_asked() -> None:
    """It accepts and resets, like a balancer with nothing behind it; we look before writing."""
    looking, gone = threading.Event(), threading.Event()

    def accept_and_reset() -> None:
        sock, _ = listener.accept()
        assert looking.wait(30)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        gone.set()

    looks = 0

    def look() -> float:
        nonlocal looks
        looks += 1
        if looks == 2:  # the last look before writing, now that we are connected
            looking.set()
            assert gone.wait(30)
        return 0.0

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept_and_reset)
        thread.start()
        channel = Channel(
            f"http://127.0.0.1:{listener.getsockname()[1]}",
            transport=AiohttpTransport(monotonic=look),
        )
        got = await call(channel, deadline=Deadline.after(start=10, total=20, now=0.0))
        thread.join()
    assert got == NotSent("connection_closed")


async def test_a_key_with_a_line_break_from_its_file(remote: Remote) -> None:
    """A mistake in a setting must not put every order in doubt."""
    async with Channel(remote.url, headers={"authorization": "Bearer key\n"}) as channel:
        got = await channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")
    assert got == NotSent("bad_header")
    assert remote.hits == []


async def test_tls_towards_a_remote_that_does_not_speak_it(remote: Remote) -> None:
    async def answer_in_plain(peer: Peer) -> None:
        await peer.arrival()
        await peer.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    remote.behaviours = [answer_in_plain]
    got = await call(Channel(f"https://127.0.0.1:{remote.port}"))
    assert got == NotSent("tls_failed")
    assert remote.hits == []


async def test_tls_broken_off_in_the_handshake(remote: Remote) -> None:
    async def vanish(peer: Peer) -> None:
        await peer.arrival()
        await peer.rst()

    remote.behaviours = [vanish]
    got = await call(Channel(f"https://127.0.0.1:{remote.port}"))
    assert got == NotSent("connect_failed")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by nobody else, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "remote")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "remote.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def tls_remote(certificate: Path, hits: list[bytes]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            hits.append(head)
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if len(hits) == 2:
                writer.close()
                return

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)


async def test_a_certificate_nobody_vouches_for(certificate: Path) -> None:
    hits: list[bytes] = []
    async with await tls_remote(certificate, hits) as server:
        port = server.sockets[0].getsockname()[1]
        assert await call(Channel(f"https://127.0.0.1:{port}")) == NotSent("tls_failed")
    assert hits == []


async def test_a_trusted_certificate_carries_calls_on_one_connection(certificate: Path) -> None:
    hits: list[bytes] = []
    async with await tls_remote(certificate, hits) as server:
        port = server.sockets[0].getsockname()[1]
        tls = ssl.create_default_context(cafile=certificate)
        transport = AiohttpTransport(tls=tls)
        async with Channel(f"https://127.0.0.1:{port}", transport=transport) as channel:
            for _ in range(2):
                got = await channel.send(
                    "POST", "/order", deadline=ample(), commits=True, content=b"{}"
                )
                assert isinstance(got, Reply)
    assert len(hits) == 2
