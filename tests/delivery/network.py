"""The network of the SSRF tests: scripted name servers, and a wire that leads only to loopback."""

import asyncio
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult


class Answers(AbstractResolver):
    """A name server whose answers are scripted, one list per question; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del family
        answers = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in answers
        ]

    async def close(self) -> None:
        return


class Wire:
    """The last gate before the network: every connection ends here, or is led to ``port``.

    ``dialled`` has the addresses that were to be connected. Nothing of these tests leaves this
    machine, even where the guard fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.dialled: list[str] = []
        self.port: int | None = None
        self._connect = loop.sock_connect

    async def sock_connect(self, sock: socket.socket, address: tuple[str, int]) -> None:
        self.dialled.append(address[0])
        if self.port is None:
            raise OSError("this wire leads nowhere")
        await self._connect(sock, ("127.0.0.1", self.port))
