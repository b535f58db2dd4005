"""What a URL alone can tell: where notifications may go. Pure: resolves nothing.

The one rule for it. It is asked when a producer is registered, when an intent is read, and before
every POST, so nothing is taken in that would be refused later. What the host's name leads
to is checked where the connection is made (``worker.delivery.guard``).
"""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from schemas.addresses import classify

WEBHOOK_PORTS: Final = frozenset({443, 8443})

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
_INSIDE: Final = frozenset(
    {
        "arpa",
        "corp",
        "home",
        "internal",
        "intranet",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "private",
    }
)
"""Last labels that mean something only inside a network: reserved for that, or so used."""
_DEFAULT_PORT: Final = {"http": 80, "https": 443}
_RFC_3986: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""Every character a URL may hold: no spaces, no control characters, no bare Unicode."""


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
        return _check_name(host)
    return None if refused is None else f"its host is not a public address: {refused}"


def _check_name(name: str) -> str | None:
    labels = name.split(".")
    if len(labels) == 1 or len(name) > _MAX_NAME or not all(map(_LABEL.fullmatch, labels)):
        return "its host is not a full domain name"
    return "its host is a name inside a network" if labels[-1].lower() in _INSIDE else None


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
