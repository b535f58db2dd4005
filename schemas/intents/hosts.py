"""Which hosts a producer's notifications may go to. Pure; of URLs that ``urls`` has let through."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_WILD: Final = "*."
_LONGEST: Final = 253


def is_host_pattern(text: str) -> bool:
    """Whether this names hosts: ``shop.example``, or ``*.shop.example`` for all below it.

    A wildcard stands for one label or more, and only before a name of at least two: nobody owns
    all of ``*.com``.
    """
    name = text.removeprefix(_WILD)
    return bool(_NAME.fullmatch(name)) and len(text) <= _LONGEST and (name == text or "." in name)


def is_among(url: str, hosts: Iterable[str], own_url: str) -> bool:
    """Whether a URL's host is that of ``own_url``, or fits one of these patterns."""
    host = urlsplit(url).hostname or ""
    if host == urlsplit(own_url).hostname:
        return True
    # What is no plain name (an address, an escaped character) is nobody's subdomain.
    return bool(_NAME.fullmatch(host)) and any(
        host.endswith(pattern[1:]) if pattern.startswith(_WILD) else host == pattern
        for pattern in hosts
    )
