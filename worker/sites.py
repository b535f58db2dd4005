"""Where a request comes from, as far as requests are counted by it."""

from ipaddress import IPv6Address, ip_address
from typing import Final

_SITE: Final = 64
"""Bits of an IPv6 address that one customer of a network shares: below, addresses cost nothing."""


def site_of(address: str | None) -> str:
    """What one customer of a network has: an IPv4 address, or the first half of an IPv6 one.

    ``unknown`` where nobody knows the address; all such share one.
    """
    try:
        ip = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return str(int(ip) >> (128 - _SITE))
    return str(ip)
