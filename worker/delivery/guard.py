"""Where a webhook may go: public addresses only, checked on the way to the socket.

A producer names the URL, so without a guard it could make us call our own network (SSRF).
Three gates, none of which trusts another: ``check_url`` reads the URL as written,
``GuardedResolver`` judges every answer of a name, ``guarded_socket`` judges the very address
about to be connected; a literal IP never meets the resolver, and a cached or changed answer
cannot slip past the socket. The gates know no exceptions: hosts allowed for development are
sent to by a session without them (``worker.delivery.sender``).
"""

import asyncio
import re
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

WEBHOOK_PORTS: Final = frozenset({443, 8443})
RESOLVE_SECONDS: Final = 5.0

_MAX_URL: Final = 2_000
_MAX_NAME: Final = 253
# One narrow expression instead of a parser: no user, fragment, backslash, space or non-ASCII
# gets through, so nothing is left that two parsers could read differently.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9.-]+|\[[0-9a-f]*:[0-9a-f:.]*\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?:[/?][a-z0-9._~:/?\[\]@!$&'()*+,;=%-]*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
# What a resolver may take for a number: 1, 0177, 0x7f (WHATWG URL, "ends in a number").
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII | re.IGNORECASE)
_DEFAULT_PORT: Final = {"http": 80, "https": 443}

# ``is_global`` alone is not enough: its tables changed between Python's patch releases, and
# some of them call NAT64, 6to4, site-local and multicast addresses global (cpython#113171).
# Networks from the IANA special-purpose registries.
_REFUSED_V4: Final = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "Azure host agent"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignment"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_REFUSED_V6: Final = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "protocol assignment"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LAST_32_BITS: Final = 0xFFFF_FFFF


class Blocked(OSError):
    """The guard refused an address. An ``OSError``, because the connector expects those.

    Always the same text: it may reach a producer, and must not map our network for it.
    """

    def __init__(self) -> None:
        super().__init__("the address is not public")


def classify(address: str) -> str | None:
    """Why an IP address may not be called, in a word or two; ``None`` for a public one.

    An IPv4 inside IPv6 is judged as the IPv4 where the form is in use (mapped, and NAT64,
    which is how an IPv6-only network reaches IPv4); the retired forms are refused outright.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(ip, IPv4Address):
        return _classify_v4(ip)
    if ip.scope_id is not None:
        return "zoned"
    if ip.ipv4_mapped is not None:
        return _classify_v4(ip.ipv4_mapped)
    if ip in _NAT64:
        return _classify_v4(IPv4Address(int(ip) & _LAST_32_BITS))
    return _classify_v6(ip)


def _classify_v4(ip: IPv4Address) -> str | None:
    for network, reason in _REFUSED_V4:
        if ip in network:
            return reason
    return None if ip.is_global else "reserved"


def _classify_v6(ip: IPv6Address) -> str | None:
    for network, reason in _REFUSED_V6:
        if ip in network:
            return reason
    return None if ip in _GLOBAL_UNICAST and ip.is_global else "reserved"


def check_url(
    url: str,
    development_hosts: Collection[str] = frozenset(),
    ports: Collection[int] = WEBHOOK_PORTS,
) -> str | None:
    """Why a webhook may not be sent to this URL, as the end of a sentence; ``None`` if it may.

    Reads the text only, resolves nothing; cheap enough to ask again before every POST.
    ``development_hosts`` are ``host`` or ``host:port`` in lower case, exempt from all but the
    spelling.
    """
    if len(url) > _MAX_URL:
        return f"it is longer than {_MAX_URL} characters"
    match = _URL.fullmatch(url)
    if match is None:
        return "it is not a plain URL: https, an ASCII host, no user, no fragment"
    if _is_development(match, development_hosts):
        return None
    if match["scheme"].lower() != "https":
        return "it is not https"
    if _port(match) not in ports:
        return f"its port is not one of {', '.join(map(str, sorted(ports)))}"
    return _check_host(match["host"])


def is_development(url: str, development_hosts: Collection[str]) -> bool:
    """Whether a URL's host is one of ``development_hosts`` (``host`` or ``host:port``)."""
    if not development_hosts:
        return False
    match = _URL.fullmatch(url)
    return match is not None and _is_development(match, development_hosts)


def _is_development(match: re.Match[str], development_hosts: Collection[str]) -> bool:
    host = match["host"].lower()
    return host in development_hosts or f"{host}:{_port(match)}" in development_hosts


def _port(match: re.Match[str]) -> int:
    return int(match["port"] or _DEFAULT_PORT[match["scheme"].lower()])


def _check_host(host: str) -> str | None:
    if host.startswith("["):
        refused = classify(host[1:-1])
    elif _NUMERIC.fullmatch(host.rpartition(".")[2]):
        refused = classify(host)  # Only four plain decimal numbers are an address to it.
    else:
        labels = host.split(".")
        named = len(labels) > 1 and len(host) <= _MAX_NAME and all(map(_LABEL.fullmatch, labels))
        return None if named else "its host is not a full domain name"
    return None if refused is None else f"its host is not a public address: {refused}"


class GuardedResolver(AbstractResolver):
    """Resolves a name once and lets all of its answers through, or none.

    One private answer condemns the name: who mixes them in is probing, and a connector that
    tries the next address would find it. Raises ``Blocked``, else ``OSError`` where the name
    has no answer or the answer takes longer than ``RESOLVE_SECONDS``.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See ``AbstractResolver.resolve``."""
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                answers = await self._inner.resolve(host, port, family)
        except TimeoutError:
            raise OSError("the name was not resolved in time") from None
        if not answers:
            raise OSError("the name has no address")
        if any(classify(answer["host"]) is not None for answer in answers):
            raise Blocked
        return answers

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._inner.close()


def guarded_socket(target: AddrInfoType) -> socket.socket:
    """A socket for the address about to be connected (aiohttp's ``socket_factory``).

    Raises ``Blocked`` unless that address is public.
    """
    family, kind, protocol, _, address = target
    if classify(str(address[0])) is not None:
        raise Blocked
    return socket.socket(family, kind, protocol)
