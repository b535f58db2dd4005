"""``docker-compose.yml``: after its schema, without a secret, and only with what exists."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import redis
from typer.main import get_command

from tests.deploy.conftest import ROOT
from worker.cli.main import app
from worker.cli.setup import ADMIN
from worker.sandbox import Sandbox
from worker.settings import PREFIX, Settings
from worker.streams.roles import user_line

OURS: Final = {"setup", "migrate", "worker1", "worker2", "beat", "gateway", "operator", "flower"}
WANTED: Final = OURS | {"postgres", "redis", "celery-exporter", "prometheus", "grafana", "sandbox"}


def test_it_is_after_the_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ran = subprocess.run(  # noqa: S603 -- a checker of ours
        [*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_everything_is_there(compose: dict[str, Any]) -> None:
    assert compose["services"].keys() == WANTED
    always = {name for name, each in compose["services"].items() if "profiles" not in each}
    assert WANTED - always == {"operator", "sandbox"}


def test_nothing_has_to_be_set_and_no_secret_stands_in_it(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"\$\{(\w+)[:-]", text) == ["COMPOSE_PROFILES"]
    assert not re.findall(r"(?<!\$)\$\{\w+(:\?[^}]*)?\}", text)
    for name, service in compose["services"].items():
        for file in service.get("env_file", ()):
            assert file["required"] is False, name
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|URL", variable):
                assert variable.endswith("_FILE"), variable
                assert value.startswith("/run/orderline/"), variable


def test_each_role_sees_its_own_secrets_and_no_others(compose: dict[str, Any]) -> None:
    services = compose["services"]
    made = {each.partition(":")[0] for each in services["setup"]["volumes"]}
    for name, service in services.items():
        seen = {each for each in service.get("volumes", ()) if each.startswith("for-")}
        if name == "setup":
            continue
        assert len(seen) <= 1, name
        for each in seen:
            volume, folder, how = each.split(":")
            assert volume in made
            assert (folder, how) == (f"/run/orderline/{volume.removeprefix('for-')}", "ro")
            if name in OURS:
                assert service["working_dir"] == folder


def test_each_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]

    def reached(name: str) -> set[str]:
        needs = services[name].get("depends_on", {})
        return set(needs).union(*(reached(each) for each in needs), set())

    for name, service in services.items():
        if any(each.startswith("for-") for each in service.get("volumes", ())) and name != "setup":
            assert "setup" in reached(name), name
    for name in ("worker1", "worker2", "beat", "gateway"):
        assert {"migrate", "postgres", "redis"} <= reached(name)


def test_no_container_may_more_than_it_must(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name not in {"postgres", "redis"}:  # these become another user by themselves
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_images_are_named_by_version(compose: dict[str, Any]) -> None:
    images = {each["image"] for each in compose["services"].values()} - {"orderline"}
    assert len(images) == 5
    for image in images:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", image), image


def test_commands_and_settings_exist(compose: dict[str, Any]) -> None:
    commands: Any = get_command(app)
    for name in OURS:
        match compose["services"][name]["command"]:
            case ["orderline", "--help"]:
                pass
            case ["orderline", command, *_]:
                assert command in commands.commands, name
            case ["celery", "--app", module, *_]:
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
            case other:
                pytest.fail(f"{name} runs {other}")
    for file in Path(ROOT / "deploy/compose").glob("*.env"):
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                field = line.removeprefix(PREFIX).partition("=")[0].partition("__")[0].lower()
                assert field in Settings.model_fields


def test_what_is_mounted_is_in_the_project(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for each in service.get("volumes", ()):
            source = each.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source


async def test_the_profile_sandbox_names_the_accounts_that_the_sandbox_has() -> None:
    lines = (ROOT / "deploy/compose/sandbox.env").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    async with Sandbox() as sandbox:
        wanted = {
            f"{PREFIX}ACCOUNTS__{provider}__{name}__{field}".upper(): (
                f"http://sandbox:8800/{provider}" if field.endswith("_url") else value
            )
            for provider, named in sandbox.account_settings().items()
            for name, fields in named.items()
            for field, value in fields.items()
        }
    assert said == wanted


@pytest.mark.parametrize("service", ["worker1", "beat", "gateway"])
def test_there_is_time_to_let_go(compose: dict[str, Any], service: str) -> None:
    grace = compose["services"][service]["stop_grace_period"]
    default = Settings.model_fields["grace"].default.total_seconds()
    assert int(grace.removesuffix("s")) >= default + 15


def test_each_service_that_stays_is_asked_whether_it_is_well(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        passes = name in {"setup", "migrate", "operator"}
        assert (service["healthcheck"].get("disable") is True) == passes, name
        assert ("test" in service["healthcheck"]) != passes, name


def test_redis_is_well_only_once_it_answers_a_user_who_is_let_in(
    compose: dict[str, Any], redis_url: str, tmp_path: Path
) -> None:
    kind, shown = compose["services"]["redis"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    tool = shutil.which("redis-cli", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tool is None:
        pytest.skip("there is no redis-cli here")
    at = urlsplit(redis_url)
    asked = shown.replace("$$", "$").replace(
        "/run/orderline/redis/password", f"{tmp_path}/password"
    )
    asked = asked.replace("redis-cli", f"{tool} -h {at.hostname} -p {at.port}")

    def is_well(password: str) -> bool:
        (tmp_path / "password").write_text(password)
        return subprocess.run(["/bin/sh", "-c", asked], check=False).returncode == 0  # noqa: S603 -- ours

    line = user_line(ADMIN, "the right one")
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", *line.split()[1:])
        try:
            assert is_well("the right one")
            assert not is_well("a wrong one")
        finally:
            client.acl_deluser("admin")
