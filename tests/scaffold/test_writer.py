"""A new provider is complete and green the moment it is written; or nothing is written at all."""

from importlib import import_module

import pytest

from tests.scaffold.conftest import Checkout
from worker.scaffold.plan import FILES, REGISTRY, CannotWrite
from worker.scaffold.writer import write_provider

LONGEST = "abcdefghij" * 4
NAME = "made_up_shop"
"""No example of ours: whoever follows one has a provider of that name."""
WRITTEN = [path.format(name=NAME) for path in FILES.values()]


def test_only_new_files_and_one_line_come_of_it(checkout: Checkout) -> None:
    before = checkout.files()
    done = checkout.run("worker.scaffold", NAME)
    assert (done.returncode, done.stderr) == (0, "")
    after = checkout.files()
    assert sorted(after.keys() - before.keys()) == sorted(WRITTEN)
    changed = [path for path, content in before.items() if after[path] != content]
    assert changed == [REGISTRY]
    assert after[REGISTRY].replace(f'    "{NAME}",\n'.encode(), b"", 1) == before[REGISTRY]
    assert [path for path in (*WRITTEN, REGISTRY) if path not in done.stdout] == []


@pytest.mark.parametrize("name", [NAME, "zz_9", LONGEST])
def test_ruff_has_nothing_to_say_whatever_the_name(checkout: Checkout, name: str) -> None:
    written = [path for path in write_provider(checkout.root, name) if path.endswith(".py")]
    for command in (("format", "--check"), ("check", "--no-cache")):
        done = checkout.run("ruff", *command, *written, REGISTRY)
        assert done.returncode == 0, done.stdout


def test_what_is_written_proves_itself(checkout: Checkout) -> None:
    write_provider(checkout.root, NAME)
    proofs = [f"tests/providers/{NAME}/test_wire.py", f"tests/unit/test_intents_{NAME}.py"]
    proofs += ["tests/unit/test_intents_schema.py", "tests/docs/test_provider_pages.py"]
    done = checkout.run("pytest", "-q", "-k", NAME, *proofs)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_what_is_written_passes_the_contract_and_every_check(checkout: Checkout) -> None:
    write_provider(checkout.root, NAME)
    proofs = [f"tests/providers/{NAME}", "tests/providers/test_accounts.py"]
    proofs += ["tests/providers/test_suite.py"]
    proofs += [f"tests/sandbox/test_{NAME}.py", "tests/sandbox/test_server.py", "tests/house"]
    for command in (("pytest", "-q", *proofs), ("mypy",), ("importlinter.cli", "--no-logo")):
        done = checkout.run(*command)
        assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("arguments", [(), ("",), ("Acme",), ("../acme",), (NAME, "gifts")])
def test_a_wrong_name_is_one_line_and_nothing_is_written(
    checkout: Checkout, arguments: tuple[str, ...]
) -> None:
    before = checkout.files()
    done = checkout.run("worker.scaffold", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert checkout.files() == before


@pytest.mark.parametrize("path", WRITTEN)
def test_nothing_is_overwritten_and_nothing_is_written_beside_it(
    checkout: Checkout, path: str
) -> None:
    taken = checkout.root / path
    taken.parent.mkdir(parents=True, exist_ok=True)
    taken.write_text("mine", encoding="utf-8")
    before = checkout.files()
    with pytest.raises(CannotWrite, match="is taken"):
        write_provider(checkout.root, NAME)
    assert checkout.files() == before


@pytest.mark.parametrize("name", ["gifthub", "parts", "base", "registry"])
def test_a_name_that_is_in_use_is_refused(checkout: Checkout, name: str) -> None:
    before = checkout.files()
    with pytest.raises(CannotWrite, match="is taken"):
        write_provider(checkout.root, name)
    assert checkout.files() == before


def test_elsewhere_than_in_a_checkout_nothing_is_written(checkout: Checkout) -> None:
    (checkout.root / REGISTRY).unlink()
    before = checkout.files()
    with pytest.raises(CannotWrite, match="no checkout"):
        write_provider(checkout.root, NAME)
    assert checkout.files() == before


def test_the_order_of_work_names_templates_that_there_are() -> None:
    order = import_module("worker.scaffold.__main__").ORDER
    assert {template for template, _ in order} <= set(FILES)
