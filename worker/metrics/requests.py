"""What a gateway process sees of its own work."""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client.core import Metric

from worker.metrics import families
from worker.metrics.instruments import counts, spreads, told


class RequestMeters:
    """What a gateway process sees."""

    def __init__(self) -> None:
        self._requests = counts(families.REQUESTS)
        self._seconds = spreads(families.REQUEST_SECONDS)
        self._build = counts(families.BUILD)
        self._build.of(version("orderline")).value = 1.0
        self._loop = spreads(families.LOOP_LAG)
        self.loop_lag = self._loop.of()

    def answered(self, route: str, method: str, status: int | None, seconds: float) -> None:
        """A request was answered, if it has a status; ``route`` is a template of ours."""
        self._requests.of(route, method, "none" if status is None else str(status)).add()
        self._seconds.of(route).saw(seconds)

    def collect(self) -> Iterator[Metric]:
        """Everything, for Prometheus's library."""
        for meter in (self._requests, self._seconds, self._loop, self._build):
            yield told(meter)
