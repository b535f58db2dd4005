"""``python -m worker.scaffold NAME``: write a new provider into this checkout."""

import sys
from pathlib import Path
from typing import Final

from worker.scaffold.plan import FILES, REGISTRY, CannotWrite
from worker.scaffold.writer import write_provider

ROOT: Final = Path(__file__).parents[2]

ORDER: Final = (
    ("page.md", "the facts, and what has to be assumed"),
    ("intent.py", "what a producer must say"),
    ("example.json", "an intent as the provider's page has one"),
    ("remote_remote.py", "the remote, from the page alone"),
    ("remote_magic.py", "its documented errors, a row each"),
    ("provider_errors.py", "what each of them means"),
    ("provider_wire.py", "their JSON, both ways"),
    ("provider_adapter.py", "the verbs, the account and the Capabilities"),
)
"""In which order to replace what was written."""


def main(arguments: list[str]) -> int:
    """Write the provider, and say what to do with it."""
    name = arguments[0] if len(arguments) == 1 else ""
    try:
        written = write_provider(ROOT, name)
    except CannotWrite as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write("\n".join(_told(name, written)) + "\n")
    return 0


def _told(name: str, written: list[str]) -> list[str]:
    steps = [(FILES[each].format(name=name), what) for each, what in ORDER]
    width = max(len(path) for path, _ in steps)
    folders = f"tests/providers/{name} tests/sandbox/test_{name}.py"
    return [
        "Written:",
        *(f"  {path}" for path in written),
        f"  {REGISTRY} (one line)",
        "",
        "It is complete and green, and sells nothing that exists. Replace, in this order:",
        *(f"  {path:<{width}}  {what}" for path, what in steps),
        "",
        "Keep these green on the way:",
        "  make check",
        f'  make test ARGS="{folders} tests/unit tests/docs"',
        "docs/how-to/add-a-provider.md has the whole way, and when the page's Draft mark goes.",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
