"""The dashboards: they ask for what there is, and after the demonstration no panel is empty."""

import asyncio
import json
import math
import os
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.operating.queries import (
    DASHBOARDS,
    GRAFANA,
    Query,
    document,
    metrics_in,
    panels,
    queries,
)
from worker.demo.stage import Audience, set_stage
from worker.embedded import Servers
from worker.embedded.port import free_port
from worker.metrics.families import GATEWAY, LABELS, WORKER
from worker.metrics.standing import STANDING

OURS = {family.exposed for family in (*WORKER, *GATEWAY, *STANDING)}
RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yml"
PATIENCE = 60.0
PROMETHEUS_OWN = {"__name__", "instance", "job", "le", "alertname", "alertstate", "severity"}
NOBODY = Audience(say=lambda _: None, show=lambda _lines, _quarantined: None)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_can_read(path: Path) -> None:
    board = document(path)
    assert board["uid"].startswith("orderline-")
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    [uid] = {
        source["uid"]
        for panel in panels(board)
        for source in (panel["datasource"], *(each["datasource"] for each in panel["targets"]))
    }
    provisioned = (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text()
    assert f"uid: {uid} " in provisioned
    for panel in panels(board):
        place = panel["gridPos"]
        assert panel["title"]
        assert panel["description"]
        assert panel["targets"]
        assert place["x"] + place["w"] <= 24


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_no_panel_lies_upon_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in document(path)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells


def test_what_the_dashboards_ask_for_is_told() -> None:
    asked = {name for query in queries() for name in metrics_in(query.said)}
    assert {name for name in asked if name.startswith("orderline_")} <= OURS


def test_nearly_all_that_is_told_is_shown() -> None:
    shown = {name for query in queries() for name in metrics_in(query.said)}
    hidden = {
        "orderline_build_info",
        "orderline_rates_alone",
        "orderline_intake_batch_entries",
        "orderline_job_every_seconds",
        "orderline_redis_memory_share",
        "orderline_standing_age_seconds",
    }
    assert OURS - shown == hidden


class Prometheus:
    """A real one, asked by its API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)
        self.began = time.time()

    async def ask(self, path: str, **parameters: Any) -> Any:
        answer = await self._http.get(f"/api/v1/{path}", params=parameters)
        said = answer.json()
        assert said["status"] == "success", said
        return said["data"]

    async def until_ready(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    if (await self._http.get("/-/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    async def until_up(self, processes: int) -> None:
        """Until so many were scraped."""
        async with asyncio.timeout(PATIENCE):
            while len((await self.ask("query", query="up == 1"))["result"]) < processes:
                await asyncio.sleep(0.2)

    async def shows(self, query: Query) -> bool:
        """Whether there is anything to draw since it began."""
        found = await self.ask(
            "query_range", query=query.filled_in, start=self.began, end=time.time(), step=2
        )
        return any(
            math.isfinite(float(value))
            for series in found["result"]
            for _, value in series["values"]
        )

    async def aclose(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def scraping(program: Path, home: Path, **jobs: Sequence[int]) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes these ports every second, with our rules; ``home`` is a folder."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {
                "job_name": f"orderline-{job}",
                "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
            }
            for job, ports in jobs.items()
        ],
    }
    (home / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    with (home / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 -- Debian's prometheus, begun in no time
            [
                program,
                f"--config.file={home}/prometheus.yml",
                f"--storage.tsdb.path={home}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    asked = Prometheus(f"http://127.0.0.1:{port}")
    try:
        await asked.until_ready()
        yield asked
    finally:
        await asked.aclose()
        process.terminate()
        process.wait(30)


@pytest.mark.slow
async def test_after_the_demonstration_every_panel_has_something_to_show(
    prometheus: Path,
    servers: Servers,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = free_port(), free_port()
    monkeypatch.setitem(os.environ, "ORDERLINE_METRICS_PORT", str(first))
    own = replace(servers, database_url=database_url, redis_url=redis_url)
    async with set_stage(own, tmp_path, NOBODY) as stage:
        without = await _without_a_port(tmp_path, ["worker1", "worker2"])
        monkeypatch.setitem(os.environ, "ORDERLINE_METRICS_PORT", str(second))
        await stage.crew.start("worker3")
        stage.crew.retire(without)
        gateway = stage.crew.system.gateway_port
        assert gateway is not None
        async with scraping(
            prometheus, tmp_path, worker=[first, second], gateway=[gateway]
        ) as asked:
            await asked.until_up(3)
            verdict = await stage.play(chaos=False)
            assert not verdict.broken
            empty = await _empty(asked)
            rules = await asked.ask("rules")
            labels = await asked.ask("labels")
    assert not empty, sorted(map(str, empty))
    told = [rule for group in rules["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in told} == {"ok"}
    assert set(labels) <= LABELS | PROMETHEUS_OWN


async def _without_a_port(logs: Path, workers: Sequence[str]) -> str:
    """The worker that came second, and had to do without a port."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for name in workers:
                if "metrics_port_taken" in (logs / f"{name}.log").read_text():
                    return name
            await asyncio.sleep(0.1)


async def _empty(asked: Prometheus) -> list[Query]:
    """What has nothing to show, once everything has had its time."""
    left = queries()
    end = time.monotonic() + PATIENCE
    while left and time.monotonic() < end:
        left = [query for query in left if not await asked.shows(query)]
        await asyncio.sleep(0.5)
    return left
