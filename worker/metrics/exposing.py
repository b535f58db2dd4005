"""Metrics as the text that Prometheus reads, and who may read it."""

from collections.abc import Iterable, Iterator
from hmac import compare_digest
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

PATH: Final = "/metrics"
CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_BEARER: Final = "bearer "


class Collected(Protocol):
    """Whatever has metrics to tell."""

    def collect(self) -> Iterable[Metric]:
        """What it has, now."""


class _All(Collector):
    """Several of them as one; what the process itself takes (memory, CPU, files) besides."""

    def __init__(self, parts: Iterable[Collected]) -> None:
        self._parts = tuple(parts)
        self._process = ProcessCollector(registry=CollectorRegistry())

    def collect(self) -> Iterator[Metric]:
        for part in self._parts:
            yield from part.collect()
        yield from self._process.collect()


def exposed(*parts: Collected) -> bytes:
    """What these tell now, as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_All(parts))
    return generate_latest(registry)


def may_read(token: str | None, authorization: str | None) -> bool:
    """Whether an ``Authorization`` header shows the token. Constant time; never without one."""
    if token is None or authorization is None:
        return False
    kind, shown = authorization[: len(_BEARER)], authorization[len(_BEARER) :]
    return kind.lower() == _BEARER and compare_digest(shown.strip().encode(), token.encode())
