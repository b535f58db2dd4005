"""The suites that there are, and the tests that pytest finds: what can be counted of both."""

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.providers.suite import ProviderSuite

ROOT: Final = Path(__file__).parents[2]


def suites_of(provider: str) -> list[type[ProviderSuite]]:
    """The classes of a provider that tell the contract, and those they derive from."""
    module = import_module(f"tests.providers.{provider}.test_adapter")
    return [
        suite
        for suite in vars(module).values()
        if isinstance(suite, type)
        and issubclass(suite, ProviderSuite)
        and getattr(suite, "provider", None) == provider
    ]


def counted_by_provider() -> Counter[str]:
    """How many tests pytest finds for each provider."""
    return Counter(path.split("/")[0] for path in _collected() if "/" in path)


def told_of(suite: type[ProviderSuite]) -> Counter[str]:
    """How often each story of a class is told."""
    own = f"{suite.provider}/test_adapter.py::{suite.__name__}::"
    return Counter(path.removeprefix(own) for path in _collected() if path.startswith(own))


@cache
def _collected() -> list[str]:
    """Every test below this folder, without its parameters."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/providers"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 -- our own
    return re.findall(r"^tests/providers/([^:\n]+::[^[\n]+)", found.stdout, re.MULTILINE)
