"""What a URL alone can tell: where notifications may go. Pure: resolves nothing.

What the host's name leads to is checked where the connection is made.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_RFC_3986: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""Every character a URL may hold: no spaces, no control characters, no bare Unicode."""

_LABEL: Final = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_WILD: Final = "*."
_LONGEST_NAME: Final = 253


def is_secure(url: str, development_hosts: frozenset[str] = frozenset()) -> bool:
    """Whether this is an https URL with a host and without a user's name or password.

    http is allowed to a host in ``development_hosts``, which holds ``host`` for any port of
    it and ``host:port`` for one.
    """
    if not is_absolute(url):
        return False
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    return bool({parts.hostname, parts.netloc.lower()} & development_hosts)


def is_absolute(url: str) -> bool:
    """Whether this is an http(s) URL with a host and without a user's name or password."""
    if not _RFC_3986.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc:
        return False
    return parts.scheme in {"https", "http"}


def is_host_pattern(text: str) -> bool:
    """Whether this names hosts: ``shop.example``, or ``*.shop.example`` for all below it.

    A wildcard stands for one label or more, and only before a name of at least two: nobody owns
    all of ``*.com``.
    """
    name = text.removeprefix(_WILD)
    return (
        bool(_NAME.fullmatch(name)) and len(text) <= _LONGEST_NAME and (name == text or "." in name)
    )


def host_of(url: str) -> str:
    """The host of an absolute URL, as it is compared: in lower case, without the root's dot."""
    return (urlsplit(url).hostname or "").removesuffix(".")


def is_among(url: str, hosts: Iterable[str], own_url: str) -> bool:
    """Whether an absolute URL's host is that of ``own_url``, or fits one of these patterns."""
    host = host_of(url)
    if host == host_of(own_url):
        return True
    # What is no plain name (an address, an escaped character) is nobody's subdomain.
    return bool(_NAME.fullmatch(host)) and any(
        host.endswith(pattern[1:]) if pattern.startswith(_WILD) else host == pattern
        for pattern in hosts
    )
