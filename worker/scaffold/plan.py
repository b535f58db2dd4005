"""What a new provider consists of: its files and its one line in the registry. Pure."""

import re
from collections.abc import Collection, Mapping
from keyword import iskeyword
from typing import Final

REGISTRY: Final = "schemas/intents/registry.py"
"""The one file that is changed rather than written."""

FILES: Final[Mapping[str, str]] = {
    "intent.py": "schemas/intents/{name}.py",
    "provider_init.py": "worker/providers/{name}/__init__.py",
    "provider_errors.py": "worker/providers/{name}/errors.py",
    "provider_wire.py": "worker/providers/{name}/wire.py",
    "provider_adapter.py": "worker/providers/{name}/adapter.py",
    "remote_init.py": "worker/sandbox/remotes/{name}/__init__.py",
    "remote_magic.py": "worker/sandbox/remotes/{name}/magic.py",
    "remote_remote.py": "worker/sandbox/remotes/{name}/remote.py",
    "test_adapter.py": "tests/providers/{name}/test_adapter.py",
    "test_wire.py": "tests/providers/{name}/test_wire.py",
    "test_remote.py": "tests/sandbox/test_{name}.py",
    "test_intent.py": "tests/unit/test_intents_{name}.py",
    "example.json": "deploy/examples/{name}.json",
    "page.md": "deploy/providers/{name}.md",
}
"""Where each template goes."""

ALLOWED: Final = (
    "2 to 40 characters: a small letter, then small letters, digits and single underscores"
    " (none at the end); no word of Python's, and no provider's that is there"
)

_NAME: Final = re.compile(r"(?=.{2,40}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Two underscores in a row would end the name in ``ORDERLINE_ACCOUNTS__<NAME>__…``."""
_LIST: Final = re.compile(
    r"^PROVIDERS: Final = \(\n(?P<lines>(?:    \"\w+\",\n)*)\)$", re.MULTILINE
)


class CannotWrite(Exception):
    """Why nothing was written, in one line."""


def check_name(name: str, templates: Collection[str]) -> None:
    """Raise ``CannotWrite`` unless a provider may be called so.

    The name of its classes must be no word that the templates use for something else.
    """
    if not name:
        raise CannotWrite(f"name is missing: make provider name=acme. It has {ALLOWED}")
    if not _NAME.fullmatch(name) or iskeyword(name):
        raise CannotWrite(f"name={name!r} cannot be one. It has {ALLOWED}")
    used = re.compile(rf"\b{class_name(name)}\b")
    if any(used.search(text) for text in templates):
        raise CannotWrite(f"name={name!r} would clash with {class_name(name)}: say it more fully")


def class_name(name: str) -> str:
    """What the provider's classes are called: ``acme_gifts`` gives ``AcmeGifts``."""
    return "".join(part.capitalize() for part in name.split("_"))


def render(template: str, name: str) -> str:
    """A template with the provider's name in it, in every spelling."""
    title = " ".join(part.capitalize() for part in name.split("_"))
    spellings = {"name": name, "Class": class_name(name), "Title": title}
    for mark, spelling in spellings.items():
        template = template.replace(f"@@{mark}@@", spelling)
    return template


def registered(text: str, name: str) -> str:
    """The registry with one more line, in its place."""
    found = _LIST.search(text)
    if found is None:
        raise CannotWrite(f"{REGISTRY} has no list PROVIDERS, one name a line")
    lines = found["lines"].splitlines(keepends=True)
    line = f'    "{name}",\n'
    if line in lines:
        raise CannotWrite(f"name={name!r} is taken: there is such a provider")
    start, end = found.span("lines")
    return text[:start] + "".join(sorted([*lines, line])) + text[end:]
