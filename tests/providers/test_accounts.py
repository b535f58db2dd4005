"""Provider accounts from settings: checked before anything is called, told without a value."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.docs.provider_pages import is_draft, page
from worker.errors import SettingsError
from worker.providers import REGISTRY, load_accounts
from worker.providers.gifthub.adapter import GifthubAccount
from worker.settings import Settings

HYPER = {"base_url": "https://tenant.example", "email": "shop@example.test", "password": "pa55"}


def raw(**fields: str) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in fields.items()}


def test_accounts_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEYS"):
        scheme = {"DATABASE_URL": "postgresql", "REDIS_URL": "redis"}.get(name, "none")
        monkeypatch.setenv(f"ORDERLINE_{name}", f"{scheme}://x")
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__GIFTHUB__MAIN__BASE_URL", "https://gifthub.example/v1")
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__GIFTHUB__MAIN__TOKEN", "t0ken")
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__GIFTHUB__MAIN__CONCURRENCY", "8")
    account = load_accounts(Settings(_env_file=None).accounts)["gifthub"]["main"]
    assert isinstance(account, GifthubAccount)
    assert account.base_url == "https://gifthub.example/v1"
    assert account.concurrency == 8
    assert "t0ken" not in repr(account)


@pytest.mark.parametrize(
    ("fields", "variable", "allowed"),
    [
        ({"base_url": "ftp://s3cret"}, "BASE_URL", "must start with https://"),
        ({"base_url": "https://u:s3cret@host"}, "BASE_URL", "no user"),
        ({"base_url": ""}, "BASE_URL", "must start with https://"),
        ({"api_key": "s3cret\n"}, "API_KEY", "printable ASCII"),
        ({"region": "s3cret"}, "REGION", "pattern"),
        ({"price_is": "s3cret"}, "PRICE_IS", "'unit' or 'total'"),
        ({"concurrency": "s3cret"}, "CONCURRENCY", "valid integer"),
        ({"call_timeout": "0"}, "CALL_TIMEOUT", "greater than 0"),
        ({"pasword": "s3cret"}, "PASWORD", "no such field (there are API_KEY, BASE_URL"),
    ],
)
def test_a_wrong_field_is_named_as_the_variable_it_came_from(
    fields: dict[str, str], variable: str, allowed: str
) -> None:
    accounts = {"hyperteknoloji": {"default": raw(**HYPER | fields)}}
    with pytest.raises(SettingsError) as caught:
        load_accounts(accounts)
    told = str(caught.value)
    assert told.startswith(f"ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__{variable}: ")
    assert allowed in told
    assert "s3cret" not in told
    assert caught.value.__cause__ is None


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_accounts({"nobody": {}, "gifthub": {"one": raw(base_url="x"), "two": raw()}})
    told = str(caught.value).split("; ")
    assert [fault.partition(": ")[0].removeprefix("ORDERLINE_ACCOUNTS__") for fault in told] == [
        "NOBODY",
        "GIFTHUB__ONE__BASE_URL",
        "GIFTHUB__ONE__TOKEN",
        "GIFTHUB__TWO__BASE_URL",
        "GIFTHUB__TWO__TOKEN",
    ]


def test_every_provider_is_registered_by_its_own_name_and_passes_the_suite() -> None:
    here = Path(__file__).parent
    for name, adapter in REGISTRY.items():
        assert adapter.name == name
        assert "(ProviderSuite)" in (here / name / "test_adapter.py").read_text()


@pytest.mark.parametrize("provider", [name for name in REGISTRY if not is_draft(page(name))])
def test_whatever_was_assumed_of_a_provider_is_in_the_example_settings(provider: str) -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    assumed = [
        f"# ORDERLINE_ACCOUNTS__{provider.upper()}__DEFAULT__{name.upper()}="
        for name, field in REGISTRY[provider].account_model.model_fields.items()
        if "assumed" in (field.description or "").lower()
    ]
    assert not [line for line in assumed if line not in example]
