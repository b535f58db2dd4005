"""Asks the gateway for all that it tells: its pages, its errors, and every order."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import httpx

from worker.demo.books import Key
from worker.errors import EmbeddedError

_PAGES: Final = (
    "/healthz",
    "/readyz",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/nowhere",
    "/callbacks/a/b",
)
_PATIENCE: Final = 20.0
_LOOK_EVERY: Final = 0.1


async def until_serving(url: str) -> None:
    """Wait for a gateway that was started just now. Raises ``EmbeddedError``."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE), httpx.AsyncClient(trust_env=False) as http:
            while True:
                with suppress(httpx.TransportError):
                    (await http.get(f"{url}/healthz")).raise_for_status()
                    return
                await asyncio.sleep(_LOOK_EVERY)
    raise EmbeddedError("The gateway does not serve; see gateway.log.")


async def visit(
    url: str, keys: Mapping[str, str], orders: Iterable[Key], faulty: bytes
) -> dict[str, bytes]:
    """Every answer whole, its headers too, by what was asked for.

    ``keys`` are API keys by producer; ``faulty`` is an intent that is refused.
    """
    answers: dict[str, httpx.Response] = {}
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for page in _PAGES:
            answers[f"the answer to GET {page}"] = await http.get(page)
        answers["the answer to nobody"] = await http.post("/v1/intents", content=faulty)
        for producer, key in keys.items():
            bearer = {"authorization": f"Bearer {key}"}
            answers[f"the refusal of {producer}"] = await http.post(
                "/v1/intents", content=faulty, headers=bearer
            )
            for _, intent_id in (each for each in orders if each[0] == producer):
                answers[f"order {intent_id} by HTTP"] = await http.get(
                    "/v1/orders", params={"intent_id": intent_id}, headers=bearer
                )
    return {name: _whole(answer) for name, answer in answers.items()}


def _whole(answer: httpx.Response) -> bytes:
    return b"%d %r\n%b" % (answer.status_code, answer.headers.raw, answer.content)
