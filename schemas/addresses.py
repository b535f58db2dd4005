"""Which IP addresses are public. Pure: text in, a reason out."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

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
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
"""How the lower half of an address begins that ends with an IPv4 (RFC 5214)."""
_32_BITS: Final = 0xFFFF_FFFF


def classify(address: str) -> str | None:
    """Why no webhook goes to an IP address, in a word or two; ``None`` for a public one.

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
        return _classify_v4(IPv4Address(int(ip) & _32_BITS))
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
    if int(ip) >> 32 & _32_BITS in _ISATAP:
        return "ISATAP"
    return None if ip in _GLOBAL_UNICAST and ip.is_global else "reserved"
