"""What a URL alone can tell: where notifications may go. Pure: resolves nothing.

What the host's name leads to is checked where the connection is made.
"""

import re
from typing import Final
from urllib.parse import urlsplit

_RFC_3986: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""Every character a URL may hold: no spaces, no control characters, no bare Unicode."""


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
