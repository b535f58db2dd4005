"""Settings: one line for each wrong variable, its name in it, its value never."""

from datetime import timedelta
from pathlib import Path

import pytest

from worker.crypto import Vault
from worker.errors import SettingsError
from worker.settings import load_redis_url, load_settings

SECRET = "hunter2-4711"
NEEDED = {
    "ORDERLINE_DATABASE_URL": f"postgresql://user:{SECRET}@db.example/orderline",
    "ORDERLINE_REDIS_URL": f"redis://:{SECRET}@redis.example:6379/0",
    "ORDERLINE_ENCRYPTION_KEYS": Vault.new_key(),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with just what is needed, in a folder without a ``.env``."""
    monkeypatch.chdir(tmp_path)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refused() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET not in f"{caught.value}{caught.value!r}"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_needed_is_enough() -> None:
    settings = load_settings()
    assert settings.quote_window == timedelta(minutes=10)
    assert settings.accounts == {}
    assert settings.sqlalchemy_url == f"postgresql+psycopg://user:{SECRET}@db.example/orderline"


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    assert refused() == f"{name}: Field required"


def test_everything_wrong_is_said_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_INTAKE_BATCH", "0")
    environment.setenv("ORDERLINE_LOG_LEVEL", "loud")
    said = refused().split("; ")
    assert [line.partition(":")[0] for line in said] == [
        "ORDERLINE_INTAKE_BATCH",
        "ORDERLINE_LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDERLINE_DATABASE_URL", f"mysql://{SECRET}@db"),
        ("ORDERLINE_REDIS_URL", f"amqp://{SECRET}@db"),
        ("ORDERLINE_REDIS_URL", f"sentinel://:{SECRET}@db:26379/0"),
        ("ORDERLINE_REDIS_URL", f"sentinel://:{SECRET}@db:port/0?master=m"),
        ("ORDERLINE_QUOTE_WINDOW", SECRET),
        ("ORDERLINE_QUOTE_WINDOW", "-1"),
        ("ORDERLINE_QUOTE_WINDOW", "nan"),
        ("ORDERLINE_QUOTE_WINDOW", "inf"),
        ("ORDERLINE_LEASE_MARGIN", "-20"),
        ("ORDERLINE_DELIVERY_CONCURRENCY", SECRET),
        ("ORDERLINE_DELIVERY_CONCURRENCY", "0"),
        ("ORDERLINE_LOG_FORMAT", SECRET),
        ("ORDERLINE_LOOK_UP_WAITS", SECRET),
        ("ORDERLINE_LOOK_UP_WAITS", "5,30"),
        ("ORDERLINE_LOOK_UP_WAITS", "0,30,120"),
        ("ORDERLINE_LOOK_UP_WAITS", "5,-30,120"),
        ("ORDERLINE_LOOK_UP_WAITS", "5,30,nan"),
        ("ORDERLINE_LOOK_UP_WAITS", "5,30,inf"),
        ("ORDERLINE_RETENTION", SECRET),
        ("ORDERLINE_RETENTION", "86399"),
        ("ORDERLINE_PERSONAL_DATA_FOR", "-1"),
        ("ORDERLINE_ACCOUNTS", f'{{"gifthub": {SECRET}'),
        ("ORDERLINE_ACCOUNTS", SECRET),
        ("ORDERLINE_ACCOUNTS__GIFTHUB", SECRET),
        ("ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT", SECRET),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_never_repeated(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    assert refused().startswith(f"{name}: ")


def test_what_is_left_empty_counts_as_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_QUOTE_WINDOW", "")
    assert load_settings().quote_window.total_seconds() == 600


def test_who_only_watches_needs_to_know_where_redis_is(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("ORDERLINE_DATABASE_URL")
    environment.delenv("ORDERLINE_ENCRYPTION_KEYS")
    assert load_redis_url().get_secret_value().startswith("redis://")
    environment.delenv("ORDERLINE_REDIS_URL")
    with pytest.raises(SettingsError, match="ORDERLINE_REDIS_URL: Field required"):
        load_redis_url()


def test_personal_data_is_kept_no_longer_than_the_rest(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_RETENTION", "P7D")
    said = "ORDERLINE_PERSONAL_DATA_FOR: Value error, must not be longer than ORDERLINE_RETENTION"
    assert refused() == said
    environment.setenv("ORDERLINE_PERSONAL_DATA_FOR", "P7D")
    assert load_settings().personal_data_for == timedelta(days=7)


@pytest.mark.parametrize(("written", "seconds"), [("30", 30), ("1.5", 1.5), ("PT2M", 120)])
def test_a_duration_is_seconds_or_iso_8601(
    environment: pytest.MonkeyPatch, written: str, seconds: float
) -> None:
    environment.setenv("ORDERLINE_QUOTE_WINDOW", written)
    assert load_settings().quote_window == timedelta(seconds=seconds)


def test_accounts_are_read_field_by_field_as_secrets(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__TOKEN", SECRET)
    settings = load_settings()
    assert settings.accounts["gifthub"]["default"]["token"].get_secret_value() == SECRET


def test_no_secret_is_in_what_settings_look_like(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__TOKEN", SECRET)
    settings = load_settings()
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert NEEDED["ORDERLINE_ENCRYPTION_KEYS"] not in shown


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().intake_batch = 1  # type: ignore[misc] # which is the point


def test_a_variable_of_another_program_is_none_of_ours(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_SOMETHING_ELSE", "1")
    environment.setenv("DATABASE_URL", "mysql://")
    load_settings()


def test_lists_are_read_as_people_write_them(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_DEVELOPMENT_HOSTS", " LocalHost:8080, shop.test ,")
    environment.setenv("ORDERLINE_LOOK_UP_WAITS", "1, 2.5, 30")
    settings = load_settings()
    assert settings.development_host_set == {"localhost:8080", "shop.test"}
    assert settings.look_up_schedule == tuple(timedelta(seconds=s) for s in (1, 2.5, 30))


def test_a_file_says_what_the_environment_does_not(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("ORDERLINE_INTAKE_BATCH=7\nORDERLINE_LOG_LEVEL=debug\n")
    environment.setenv("ORDERLINE_LOG_LEVEL", "error")
    settings = load_settings()
    assert (settings.intake_batch, settings.log_level) == (7, "error")


# --- the gateway -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://orders.example",
        "https://orders.example:8443/gateway/",
        "http://localhost:8700",
        "http://127.0.0.1:8700",
        "http://[::1]:8700",
        "http://gateway.test:8700",
    ],
)
def test_where_the_gateway_is_reached(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("ORDERLINE_DEVELOPMENT_HOSTS", "gateway.test")
    environment.setenv("ORDERLINE_PUBLIC_URL", url)
    assert load_settings().public_url == url


def test_an_empty_public_url_is_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_PUBLIC_URL", "")
    assert load_settings().public_url is None


@pytest.mark.parametrize(
    "url",
    [
        "http://orders.example",
        "orders.example",
        "ftp://orders.example",
        "https://user:pw@orders.example",
        "https://orders.example/?key=1",
        "https://orders.example/#top",
        "https://",
        "https://orders example",
    ],
)
def test_an_insecure_public_url_is_refused(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("ORDERLINE_PUBLIC_URL", url)
    assert refused().startswith("ORDERLINE_PUBLIC_URL: ")


def test_proxies_are_addresses_and_networks(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERLINE_GATEWAY_PROXIES", "10.0.0.7, 192.0.2.0/24,2001:db8::/32")
    assert load_settings().gateway_proxies
    for wrong in ("*", "proxy.example", "10.0.0.0/33"):
        environment.setenv("ORDERLINE_GATEWAY_PROXIES", wrong)
        assert refused().startswith("ORDERLINE_GATEWAY_PROXIES: ")
