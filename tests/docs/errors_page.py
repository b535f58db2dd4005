"""``docs/reference/errors.md``: every word by which something is said to be wrong."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.gateway import ErrorCode
from schemas.intents import FaultCode
from tests.docs.documents import anchor
from tests.docs.markdown import NOTICE, REFERENCE, code, members, table, words
from tests.house.conftest import sources
from worker.delivery.sender import Failure
from worker.outcome import RefusalCode
from worker.parking import OTHER, Because
from worker.store.tables_told import DisabledBecause

PAGE: Final = REFERENCE / "errors.md"

_HEAD: Final = f"""{NOTICE}

# Errors

Programs may build on the words; the sentences beside them may change. None of them ever repeats
what was sent. Exit codes are [the command's](commands.md#exit-codes).
"""

_FAULTS: Final = f"""## Why an entry is set aside

The `code` of an entry in quarantine, of its notice, and of what the gateway answers of an intent.
`path` says where in the entry it is. `orderline quarantine --code CODE` lists such entries.

{words(FaultCode, "code")}
"""

_REFUSALS: Final = f"""## Why a provider says no

A provider's refusal in our words. Each provider's [page](../../deploy/providers/README.md) says
which of its errors is which.

{words(RefusalCode, "code")}
"""

_PARKED: Final = """## Why an order is parked

Each reason is a sentence that begins with these words; the metric `orderline_orders_parked` has the
class as its label. The runbook says what to do.

{}
"""

_GATEWAY: Final = """## What the gateway answers

Every error is `{{"error": {{"code", "detail", "path"}}}}`. A fault of a single intent has a code of
[those above](#why-an-entry-is-set-aside), with 422.

{}
"""

_DELIVERY: Final = f"""## Why a delivery brought no answer

An answer that is no 2xx is told by its status; otherwise one of these is.

{words(Failure)}

## Why nothing is sent to an endpoint

{words(DisabledBecause)}
"""


def page() -> str:
    """The page as it should be."""
    parts = [_PARKED.format(_parked()), _GATEWAY.format(_gateway())]
    return "\n".join([_HEAD, _FAULTS, _REFUSALS, *parts, _DELIVERY])


def statuses() -> Mapping[str, list[int]]:
    """With which statuses the gateway tells each of its own errors, as its code has it."""
    found: dict[str, set[int]] = defaultdict(set)
    for source in sources("worker/gateway"):
        for function in ast.walk(source.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for status, name in _refused_in(function):
                    found[name].add(status)
    return {name: sorted(given) for name, given in found.items()}


def _refused_in(function: ast.AST) -> Iterator[tuple[int, str]]:
    """Statuses and codes, said at once or by a name that the function gave before."""
    before = {
        target.id: _codes(node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Name(id="refused" | "Refused"), args=[ast.Constant(value=int(status)), *_]
            ):
                named = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
                for name in (
                    *_codes(node),
                    *(said for each in named for said in before.get(each, [])),
                ):
                    yield status, name
            case _:
                pass


def _parked() -> str:
    rows = [
        [_runbook(because), f"{because.words.rstrip()} …", means]
        for because, (_, means) in zip(Because, members(Because), strict=True)
    ]
    rows.append([_runbook(OTHER), "…", "Older code wrote it: it begins like none of these."])
    return table(["class", "begins", "meaning"], rows)


def _runbook(reason: str) -> str:
    return f"[`{reason}`](../../deploy/runbook.md#{anchor(f'parked: {reason}')})"


def _gateway() -> str:
    given = statuses()
    rows = [
        [code(value), ", ".join(map(str, given[name])), means]
        for name, (value, means) in zip(ErrorCode.__members__, members(ErrorCode), strict=True)
    ]
    return table(["code", "status", "meaning"], rows)


def _codes(expression: ast.expr) -> list[str]:
    return [
        node.attr
        for node in ast.walk(expression)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == ErrorCode.__name__
    ]
