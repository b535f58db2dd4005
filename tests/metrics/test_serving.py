"""A worker's own port: there when it is wanted, guarded, and never a reason to stop."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from worker.embedded.port import free_port
from worker.metrics.meters import Meters
from worker.metrics.serving import metrics_served
from worker.settings import Settings

TOKEN = "a-token-of-sixteen"


def settings(**more: Any) -> Settings:
    given: dict[str, Any] = {
        "database_url": "postgresql://x",
        "redis_url": "redis://x",
        "encryption_keys": "k",
    }
    return Settings(_env_file=None, **given | more)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


def test_it_answers_at_its_port_with_what_there_is_by_then(port: int, http: httpx.Client) -> None:
    meters = Meters()
    url = f"http://127.0.0.1:{port}/metrics"
    with metrics_served(settings(metrics_port=port), meters) as served:
        assert served == port
        before = http.get(url).text
        meters.batch.saw(7)
        after = http.get(f"{url}?again").text
    assert "orderline_intake_batch_entries_sum 0.0" in before
    assert "orderline_intake_batch_entries_sum 7.0" in after
    assert "process_resident_memory_bytes" in after
    with pytest.raises(httpx.TransportError):
        http.get(url)


def test_there_is_nothing_else_to_see(port: int, http: httpx.Client) -> None:
    with metrics_served(settings(metrics_port=port), Meters()):
        answer = http.get(f"http://127.0.0.1:{port}/")
        assert answer.status_code == 404
        assert "python" not in str(answer.headers).lower()
        assert http.post(f"http://127.0.0.1:{port}/metrics").status_code == 501


def test_where_there_is_a_token_it_is_wanted_here_too(port: int, http: httpx.Client) -> None:
    url = f"http://127.0.0.1:{port}/metrics"
    with metrics_served(settings(metrics_port=port, metrics_token=TOKEN), Meters()):
        refused = http.get(url)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert http.get(url, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_unless_it_is_asked_for_no_port_is_open() -> None:
    with metrics_served(settings(), Meters()) as served:
        assert served is None


def test_a_port_that_is_taken_is_said_once_and_hurts_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, structlog.testing.capture_logs() as told:
        taken = other.getsockname()[1]
        with metrics_served(settings(metrics_port=taken), Meters()) as served:
            assert served is None
    assert [line["event"] for line in told] == ["metrics_port_taken"]


def test_an_address_that_is_not_ours_hurts_nobody_either(port: int) -> None:
    with structlog.testing.capture_logs() as told:
        wrong = settings(metrics_port=port, metrics_host="192.0.2.1")
        with metrics_served(wrong, Meters()) as served:
            assert served is None
    assert [line["event"] for line in told] == ["metrics_not_served"]


def test_an_empty_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERLINE_METRICS_TOKEN", "")
    assert settings().metrics_token is None


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="metrics_token"):
        settings(metrics_token="short")
