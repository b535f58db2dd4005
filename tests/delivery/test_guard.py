import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from hypothesis import assume, given
from hypothesis import strategies as st
from yarl import URL

from schemas import addresses
from schemas.addresses import classify
from schemas.intents import urls
from schemas.intents.urls import check_url
from tests.delivery.addresses import NOT_PUBLIC, NOT_TOLD, PUBLIC, literal
from tests.delivery.network import Answers
from worker.delivery import guard
from worker.delivery.guard import Blocked, GuardedResolver, guarded_socket


class Silence(Answers):
    """A name server that never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return await super().resolve(host, port, family)


class Notebook(Answers):
    """Remembers what it was asked, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__(["8.8.8.8"])
        self.questions: list[tuple[str, int, socket.AddressFamily]] = []
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.questions.append((host, port, family))
        return await super().resolve(host, port, family)

    async def close(self) -> None:
        self.closed = True


def target(address: str) -> aiohttp.AddrInfoType:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443))


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_every_gate_refuses_an_address_that_is_not_public(address: str) -> None:
    assert classify(address) is not None
    assert check_url(f"https://{literal(address)}/hook") is not None
    with pytest.raises(Blocked):
        await GuardedResolver(Answers([address])).resolve("shop.example", 443)
    with pytest.raises(Blocked):
        guarded_socket(target(address))


@pytest.mark.parametrize("address", PUBLIC)
async def test_every_gate_lets_a_public_address_through(address: str) -> None:
    assert classify(address) is None
    assert check_url(f"https://{literal(address)}/hook") is None
    answers = await GuardedResolver(Answers([address])).resolve("shop.example", 443)
    assert [answer["host"] for answer in answers] == [address]
    guarded_socket(target(address)).close()


@given(st.ip_addresses(v=4))
def test_no_ipv4_becomes_public_by_hiding_inside_ipv6(v4: IPv4Address) -> None:
    number = int(v4)
    for in_use in (0xFFFF << 32, 0x64FF9B << 96):
        assert classify(str(IPv6Address(in_use | number))) == classify(str(v4))
    for retired in (number, 0x2002 << 112 | number << 80, 0x20010000 << 96 | number):
        assert classify(str(IPv6Address(retired))) is not None


@given(st.ip_addresses())
def test_what_python_knows_to_be_private_is_never_public_here(
    ip: IPv4Address | IPv6Address,
) -> None:
    private = ip.is_private or ip.is_multicast or ip.is_reserved or not ip.is_global
    if private and not (isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip in addresses._NAT64)):
        assert classify(str(ip)) is not None


def test_text_that_is_no_address_is_not_public() -> None:
    assert classify("shop.example") == "not an address"


async def test_one_private_answer_condemns_the_whole_name() -> None:
    with pytest.raises(Blocked):
        await GuardedResolver(Answers(["8.8.8.8", "10.0.0.1"])).resolve("shop.example", 443)


async def test_all_public_answers_are_kept_so_that_dual_stack_hosts_work() -> None:
    both = ["8.8.8.8", "2606:4700:4700::1111"]
    answers = await GuardedResolver(Answers(both)).resolve("shop.example", 443)
    assert [answer["host"] for answer in answers] == both


async def test_a_name_without_an_answer_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(OSError, match=r"^the name has no address$"):
        await GuardedResolver(Answers([])).resolve("shop.example", 443)


async def test_the_name_server_is_asked_what_the_connector_asks() -> None:
    inner = Notebook()
    guarded = GuardedResolver(inner)
    await guarded.resolve("shop.example", 8443, socket.AF_INET6)
    await guarded.resolve("shop.example")
    assert inner.questions == [
        ("shop.example", 8443, socket.AF_INET6),
        ("shop.example", 0, socket.AF_INET),
    ]


async def test_closing_the_guard_closes_what_is_inside() -> None:
    inner = Notebook()
    await GuardedResolver(inner).close()
    assert inner.closed


def test_a_refusal_says_the_same_whatever_the_address() -> None:
    for address in ("10.0.0.1", "::1"):
        with pytest.raises(Blocked, match=r"^the address is not public$"):
            guarded_socket(target(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_the_socket_is_of_the_kind_that_was_asked_for(address: str) -> None:
    asked = target(address)
    with guarded_socket(asked) as made:
        assert (made.family, made.type, made.proto) == asked[:3]


async def test_a_silent_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "RESOLVE_SECONDS", 0.01)
    with pytest.raises(OSError, match=r"^the name was not resolved in time$"):
        await GuardedResolver(Silence()).resolve("shop.example", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "shop.example"])
async def test_the_socket_gate_holds_alone_for_literals_and_for_unguarded_names(
    host: str,
) -> None:
    arrivals = 0

    async def arrive(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrivals
        arrivals += 1
        writer.close()

    async with await asyncio.start_server(arrive, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connector = aiohttp.TCPConnector(
            resolver=Answers(["127.0.0.1"]), socket_factory=guarded_socket
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.post(f"http://{host}:{port}/")
    assert isinstance(caught.value.os_error, Blocked)
    assert arrivals == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks/orders",
        "https://shop.example:8443/hooks?shop=eu&token=a%20b",
        "https://shop.example",
        "HTTPS://Shop.Example/",
        "https://xn--mnchen-3ya.example/",
    ],
)
def test_an_ordinary_webhook_url_is_accepted(url: str) -> None:
    assert check_url(url) is None


def test_any_other_url_is_refused() -> None:
    for hosts in (frozenset[str](), {"127.0.0.1:8801", "shop.example:9443"}):
        assert not [url for url in NOT_TOLD if check_url(url, hosts) is None]


def test_a_refusal_says_why_and_never_repeats_the_url() -> None:
    assert check_url("http://shop.example/?token=hush") == "it is not https"
    assert check_url("https://shop.example:25/?token=hush") == "its port is not one of 443, 8443"
    assert check_url("https://10.0.0.1/") == "its host is not a public address: private"
    assert check_url("https://db.internal/") == "its host is a name inside a network"


def test_ports_are_a_choice() -> None:
    assert check_url("https://shop.example:9443/", ports={9443}) is None
    assert check_url("https://shop.example/", ports={9443}) is not None


@pytest.mark.parametrize("allowed", ["127.0.0.1:8801", "127.0.0.1"])
def test_a_development_host_may_be_private_and_plain(allowed: str) -> None:
    assert check_url("http://127.0.0.1:8801/hook", {allowed}) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8802/hook",
        "http://127.0.0.2:8801/hook",
        "http://127.0.0.1/hook",
        "http://user@127.0.0.1:8801/hook",
        "http://127.0.0.1:8801@10.0.0.1/hook",
        "http://127.1:8801/hook",
    ],
)
def test_a_development_host_exempts_nothing_but_itself(url: str) -> None:
    assert check_url(url, {"127.0.0.1:8801"}) is not None


_label = st.from_regex(urls._LABEL, fullmatch=True)
_host = st.lists(_label, min_size=2, max_size=4).map(".".join) | st.ip_addresses().map(str).map(
    literal
)
_rest = st.from_regex(r"[/?][a-zA-Z0-9._~:/?\[\]@!$&'()*+,;=%-]{0,40}", fullmatch=True)


@given(host=_host, port=st.sampled_from(["", ":443", ":8443"]), rest=st.just("") | _rest)
def test_two_other_parsers_read_every_accepted_url_as_the_guard_did(
    host: str, port: str, rest: str
) -> None:
    url = f"https://{host}{port}{rest}"
    assume(check_url(url) is None)
    sent, split = URL(url), urlsplit(url)
    bare = host.strip("[]").lower()
    assert split.hostname == bare
    assert sent.raw_host == (str(IPv6Address(bare)) if ":" in bare else bare)
    assert sent.port == (split.port or 443) == int(port[1:] or 443)
    assert sent.user is None
