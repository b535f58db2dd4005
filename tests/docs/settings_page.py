"""``docs/reference/settings.md``: every setting, as ``worker/settings.py`` has it.

They are in the order and under the headings of ``.env.example``.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from schemas.orders import span
from tests.docs.markdown import NOTICE, REFERENCE, ROOT, code, plain, table, told
from worker.provider import Account
from worker.providers import REGISTRY
from worker.providers.account import StrictAccount
from worker.settings import PREFIX, Settings

PAGE: Final = REFERENCE / "settings.md"
EXAMPLE: Final = ROOT / ".env.example"
PROVIDERS: Final = ROOT / "deploy" / "providers"

_HEAD: Final = f"""{NOTICE}

# Settings

Settings are environment variables, or lines of a file `.env` in the working directory; what is set
in the environment wins, unless it is empty. They are read once, when a process starts. One that is
missing or wrong ends it with one line and exit code 2. A duration is written in seconds (`30`) or
as ISO 8601 (`PT30S`). No secret has a default.
[.env.example](../../.env.example) has all of them, to be copied.
"""

_ACCOUNTS: Final = f"""## Provider accounts

`{PREFIX}ACCOUNTS__<PROVIDER>__<ACCOUNT>__<FIELD>` sets one field of one account, as in
`{PREFIX}ACCOUNTS__GIFTHUB__DEFAULT__BASE_URL`. An intent names its account; the usual name is
`default`. All of `{PREFIX}ACCOUNTS` may also be one JSON object,
`{{provider: {{account: {{field: value}}}}}}`.

Every account has:
"""

_KINDS: Final[dict[Any, str]] = {
    SecretStr: "secret",
    timedelta: "duration",
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "folder",
}
_BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def page() -> str:
    """The page as it should be."""
    parts = [f"## {title}\n\n{_of_settings(names)}" for title, names in sections().items() if names]
    return "\n".join([_HEAD, "\n\n".join(parts), "", _ACCOUNTS, _of_accounts(), ""])


def sections() -> dict[str, list[str]]:
    """The fields of the settings under the headings of ``.env.example``, but the accounts."""
    found: dict[str, list[str]] = {}
    for title, name in re.findall(
        rf"^# --- (.+?) -+$|^#? ?{PREFIX}(\w+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE
    ):
        if title:
            found[title[0].upper() + title[1:]] = []
        elif not name.startswith("ACCOUNTS__"):
            [*_, names] = found.values()
            names.append(name.lower())
    return found


def _of_settings(names: list[str]) -> str:
    means = told(Settings)
    rows = [
        [code(PREFIX + name.upper()), *_facts(Settings.model_fields[name]), means[name]]
        for name in names
    ]
    return table(["setting", "type", "default", "meaning"], rows)


def _of_accounts() -> str:
    means = told(StrictAccount)
    common = [
        [code(name.upper()), *_facts(info), means[name]]
        for name, info in StrictAccount.model_fields.items()
    ]
    own = [[_link(name), ", ".join(_own(name))] for name in providers()]
    return "\n".join(
        [
            table(["field", "type", "default", "meaning"], common),
            "",
            "Each provider adds its own; its page says what they mean and what is assumed:",
            "",
            table(["provider", "its own fields (**needed**)"], own),
        ]
    )


def providers() -> list[str]:
    """The providers whose page is no draft any more."""
    pages = {name: (PROVIDERS / f"{name}.md").read_text(encoding="utf-8") for name in REGISTRY}
    return sorted(name for name, text in pages.items() if not text.startswith("Draft"))


def _link(name: str) -> str:
    return f"[`{name}`](../../deploy/providers/{name}.md#account-settings)"


def _own(name: str) -> Iterator[str]:
    for field, info in REGISTRY[name].account_model.model_fields.items():
        if field not in Account.model_fields:
            yield f"**`{field.upper()}`**" if info.is_required() else f"`{field.upper()}`"


def _facts(info: FieldInfo) -> tuple[str, str]:
    return ", ".join([_kind(info.annotation), *_bounds(info)]), _default(info)


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in {Union, UnionType}:
        [annotation] = [each for each in get_args(annotation) if each is not type(None)]
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(code, get_args(annotation)))
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    return _KINDS[annotation]


def _bounds(info: FieldInfo) -> Iterator[str]:
    """What of its bounds says anything; no duration is negative anyway."""
    metadata = [*info.metadata]
    for part in get_args(info.annotation):
        metadata.extend(getattr(part, "__metadata__", ()))
    while metadata:
        each = metadata.pop(0)
        metadata[:0] = getattr(each, "metadata", ())
        for name, said in _BOUNDS.items():
            value = getattr(each, name, None)
            if value is not None and value != timedelta(0):
                yield f"{said} {span(value) if isinstance(value, timedelta) else plain(value)}"
        if getattr(each, "min_length", None):
            yield f"at least {each.min_length} characters"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**needed**"
    value = info.default
    if value in {None, ""}:
        return "none"
    if isinstance(value, timedelta):
        seconds = plain(value.total_seconds())
        return f"`{seconds}` ({span(value)})" if value >= timedelta(minutes=1) else f"`{seconds}`"
    return code(plain(value))
