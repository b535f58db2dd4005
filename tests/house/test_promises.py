"""House rules that keep promises: who may write a state, who may commit, how nobody waits."""

import ast
import re
from collections.abc import Iterator

import pytest

from schemas import jobs
from schemas.intents.registry import INTENT
from tasks import notifications, orders, upkeep
from tasks.app import app
from tasks.queues import SUBMIT
from tests.house.conftest import ROOMS, Source, name_of, sources
from worker.crypto import Vault
from worker.lifecycle import Step
from worker.providers import REGISTRY
from worker.steps.drive import STEPS
from worker.store.session import Boundary

TASKS = (notifications, orders, upkeep)
STORE = "worker/store/"
SESSION = "worker/store/session.py"
PIPELINE = "worker/store/pipeline.py"


# --- states and commits ------------------------------------------------------------------------


def assignments(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield node.target


def test_only_the_store_writes_a_state() -> None:
    writes = re.compile(r"\b(UPDATE|INSERT\s+INTO)\s+(orders|lines|attempts|notifications)\b")
    elsewhere = [
        str(source)
        for source in sources(*ROOMS)
        if not str(source).startswith(STORE)
        and (
            writes.search(source.text)
            or any(
                isinstance(target, ast.Attribute) and target.attr == "state"
                for target in assignments(source.tree)
            )
        )
    ]
    assert not elsewhere


def test_an_orders_state_is_written_by_one_module_once_it_is_accepted() -> None:
    writers = {
        str(source)
        for source in sources("worker/store")
        if re.search(
            r"UPDATE orders\b[^;]*?\bSET\b(?:(?!\b(?:FROM|WHERE)\b)[^;])*?\bstate =", source.text
        )
        and "migrations" not in str(source)
    }
    assert writers == {"worker/store/orders.py", "worker/store/attempts.py"}


def test_there_is_one_commit() -> None:
    commits = {
        str(source): name_of(call)
        for source in sources("worker", "tasks")
        for call in source.calls()
        if name_of(call).endswith((".commit", ".begin", ".begin_nested"))
    }
    assert set(commits) <= {SESSION, PIPELINE, "worker/store/migrations/env.py"}


@pytest.mark.parametrize("boundary", Boundary)
def test_every_boundary_is_a_commit_somewhere(boundary: Boundary) -> None:
    named = re.compile(rf"(transaction|together)\(\s*Boundary\.{boundary.name}\b")
    assert [source for source in sources("worker") if named.search(source.text)]


def test_every_commit_names_its_boundary() -> None:
    unnamed = [
        f"{source}:{call.lineno}"
        for source in sources("worker", "tasks")
        for call in source.calls()
        if name_of(call).endswith((".transaction", ".together"))
        and not any(ast.unparse(argument).startswith("Boundary.") for argument in call.args)
    ]
    assert not unnamed


# --- Celery ------------------------------------------------------------------------------------


def test_nothing_waits_in_celery() -> None:
    waits = [
        f"{source}:{call.lineno}"
        for source in sources("tasks")
        for call in source.calls()
        if name_of(call).endswith((".retry", ".apply_async", ".delay"))
        or any(keyword.arg in {"countdown", "eta", "link", "chord"} for keyword in call.keywords)
    ]
    assert not waits


def test_no_result_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://nowhere",
        "REDIS_URL": "redis://nowhere",
        "ENCRYPTION_KEYS": Vault.new_key(),
    }.items():
        monkeypatch.setenv(f"ORDERLINE_{name}", value)
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result is True
    assert app.conf.task_acks_late is False
    assert app.conf.task_create_missing_queues is False
    assert {queue.name for queue in app.conf.task_queues if not queue.no_ack} == {SUBMIT}


def test_each_job_has_one_task_and_each_task_its_job() -> None:
    names = {
        value for name, value in vars(jobs).items() if name.isupper() and isinstance(value, str)
    }
    defined = [
        decorator
        for source in sources("tasks")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and name_of(decorator) == "app.task"
    ]
    assert len(defined) == len(names)
    assert {name for name in app.tasks if not name.startswith("celery.")} == names


def test_every_step_has_its_function_and_its_bell() -> None:
    assert set(STEPS) == set(Step)
    for step, function in STEPS.items():
        assert function.__name__ == step
        assert function.__module__ == f"worker.steps.{step}"
        assert getattr(jobs, f"ORDER_{step.name}") == f"order.{step}"


# --- providers ---------------------------------------------------------------------------------


def test_every_provider_can_be_asked_for_and_every_intent_has_its_provider() -> None:
    schema = INTENT.json_schema()
    assert set(schema["discriminator"]["mapping"]) == set(REGISTRY)
    assert all(adapter.name == name for name, adapter in REGISTRY.items())


# --- tests -------------------------------------------------------------------------------------

LONGEST_SLEEP = 0.5


def test_no_test_sleeps_for_long() -> None:
    long = [
        f"{source}:{call.lineno}"
        for source in sources("tests")
        for call in source.calls()
        if name_of(call).endswith("sleep") and call.args
        if isinstance(call.args[0], ast.Constant) and _seconds(call.args[0]) > LONGEST_SLEEP
    ]
    assert not long


def _seconds(constant: ast.Constant) -> float:
    assert isinstance(constant.value, int | float)
    return constant.value


def test_no_test_believes_a_mock() -> None:
    mocked = [source for source in sources("tests") if _imports(source) & {"unittest", "mock"}]
    assert not mocked


def _imports(source: Source) -> set[str]:
    return {
        name.partition(".")[0]
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
