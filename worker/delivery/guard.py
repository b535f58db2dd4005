"""Where a webhook may go: public addresses only, checked on the way to the socket.

A producer names the URL, so without a guard it could make us call our own network (SSRF).
Three gates, none of which trusts another: ``schemas.intents.urls`` reads the URL as written,
``GuardedResolver`` judges every answer of a name, ``guarded_socket`` judges the very address
about to be connected; a literal IP never meets the resolver, and a cached or changed answer
cannot slip past the socket. The latter two know no exceptions: hosts allowed for development are
sent to by a session without them (``worker.delivery.sender``).
"""

import asyncio
import socket
from typing import Final

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from schemas.addresses import classify

RESOLVE_SECONDS: Final = 5.0


class Blocked(OSError):
    """The guard refused an address. An ``OSError``, because the connector expects those.

    Always the same text: it may reach a producer, and must not map our network for it.
    """

    def __init__(self) -> None:
        super().__init__("the address is not public")


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
