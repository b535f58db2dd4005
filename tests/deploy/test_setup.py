"""``orderline setup``: secrets that are made once, and a Redis that takes its file of users."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from dotenv import dotenv_values
from typer.testing import CliRunner

from worker.cli.main import app
from worker.settings import Settings
from worker.streams.roles import ROLES


def run(folder: Path, *options: str) -> str:
    ran = CliRunner().invoke(app, ["setup", str(folder), *options])
    assert ran.exit_code == 0, ran.output
    return ran.output


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_made_once_stays(tmp_path: Path) -> None:
    said = run(tmp_path)
    first = contents(tmp_path)
    secrets = [text for name, text in first.items() if name.endswith(("password", "key", "token"))]
    assert len(set(secrets)) == len(secrets) >= 9
    assert not any(secret in said for secret in secrets)
    run(tmp_path)
    assert contents(tmp_path) == first


def test_each_role_finds_its_settings_and_no_more(tmp_path: Path) -> None:
    run(tmp_path, "--redis", "redis.example:6380/3", "--postgres", "db.example:5433/orders")
    for role in ("worker", "gateway", "operator"):
        settings = Settings(_env_file=tmp_path / role / ".env")
        url = urlsplit(settings.redis_url.get_secret_value())
        assert (url.username, url.hostname, url.port, url.path) == (
            role,
            "redis.example",
            6380,
            "/3",
        )
        assert "@db.example:5433/orders" in settings.database_url.get_secret_value()
    assert dotenv_values(tmp_path / "flower/.env").keys() == {"ORDERLINE_REDIS_URL"}
    assert dotenv_values(tmp_path / "exporter/env").keys() == {"CE_BROKER_URL"}
    assert "read_only = True" in (tmp_path / "flower/flowerconfig.py").read_text()
    assert stat.S_IMODE((tmp_path / "worker/.env").stat().st_mode) == 0o400
    assert "&orderline:celery:/3.celery.pidbox" in (tmp_path / "redis/users.acl").read_text()


def test_who_can_log_in_is_shown_when_it_is_asked_for(tmp_path: Path) -> None:
    run(tmp_path)
    said = run(tmp_path, "--show")
    for role in ("flower", "grafana", "redis"):
        assert (tmp_path / role / "password").read_text() in said


@contextmanager
def with_users(redis_url: str, lines: list[str]) -> Iterator[None]:
    """The users of a file in a running Redis, but for the one of everybody."""
    with redis.Redis.from_url(redis_url) as client:
        names = [line.split()[1] for line in lines]
        try:
            for line in lines:
                client.execute_command("ACL", "SETUSER", *line.split()[1:])
            yield
        finally:
            for name in names:
                client.acl_deluser(name)


def test_redis_takes_the_users_and_lets_each_in_by_its_password(
    tmp_path: Path, redis_url: str
) -> None:
    run(tmp_path)
    file = tmp_path / "redis/users.acl"
    producers = "user producer-shop on #" + "0" * 64 + " ~orderline:intents:shop -@all +xadd\n"
    file.chmod(0o600)
    file.write_text(file.read_text() + producers)
    run(tmp_path)
    nobody, *lines = file.read_text().splitlines()
    assert nobody == "user default reset off"
    assert lines[-1] == producers.strip()
    at = urlsplit(redis_url).netloc.rpartition("@")[2]
    with with_users(redis_url, lines):
        for role in ROLES:
            password = (tmp_path / role / "redis-password").read_text()
            with redis.Redis.from_url(f"redis://{role}:{password}@{at}/0") as client:
                assert client.ping()
        with (
            pytest.raises(redis.AuthenticationError),
            redis.Redis.from_url(f"redis://worker:wrong@{at}/0") as client,
        ):
            client.ping()
