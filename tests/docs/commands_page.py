"""``docs/reference/commands.md``: every command, as its ``--help`` explains it."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, get_args, get_origin

from typer.main import get_command

from tests.docs.markdown import NOTICE, REFERENCE, cell, code, plain, prose, table
from worker.cli.main import FAILED, USAGE_ERROR, app

PAGE: Final = REFERENCE / "commands.md"
PROGRAM: Final = "orderline"

_HEAD: Final = f"""{NOTICE}

# The command

`{PROGRAM} COMMAND --help` says the same. `{PROGRAM} --version` prints the version. In a terminal
listings are tables in colour, in a pipe aligned text, and with `--json` JSON, for programs.

## Exit codes

| code | meaning |
| --- | --- |
| `0` | It is done, or all is well. |
| `{FAILED}` | It is not: nothing has that name, a server is away, or what is said below. |
| `{USAGE_ERROR}` | It was called wrongly, or a setting is missing or wrong. Nothing was done. |
| `130` | Interrupted by Ctrl-C. |

What goes wrong and can be mended is one line on standard error, never a traceback. Some commands
say more:
"""

_ENDS: Final = re.compile(r"(?:Ends|ends) with [^.]*(?:\.[^.\s][^.]*)*\.")
_AS: Final[dict[Any, str]] = {int: "INTEGER", float: "NUMBER"}


def page() -> str:
    """The page as it should be."""
    known = commands()
    exits = [
        [_link(name), f"{said[0].upper()}{said[1:]}"]
        for name, command in known.items()
        if (said := ends(command))
    ]
    parts = "\n\n".join(_part(name, command) for name, command in known.items())
    return f"{_HEAD}\n{table(['command', 'how it ends'], exits)}\n\n## Commands\n\n{parts}\n"


def commands() -> dict[str, Any]:
    """Every command by its full name, groups that do nothing by themselves left out."""
    return dict(_walked(get_command(app), PROGRAM))


def ends(command: Any) -> str:
    """What a command's help says of its exit code."""
    return " ".join(_ENDS.findall(prose(command.help or "")))


def parameters(command: Any) -> Iterator[tuple[str, str]]:
    """Each argument and option: how it is typed, and what it means."""
    for parameter in command.params:
        if parameter.name != "help":
            yield _typed(parameter), _means(parameter)


def _walked(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", {})
    if name != PROGRAM and (not below or command.invoke_without_command):
        yield name, command
    for word, each in below.items():
        yield from _walked(each, f"{name} {word}")


def _link(name: str) -> str:
    return f"[`{name}`](#{name.replace(' ', '-')})"


def _part(name: str, command: Any) -> str:
    said, _, example = (command.help or "").partition("Example:")
    usage = " ".join([name, *_usage(command)])
    shown = f"{usage}\n\n# for example\n{' '.join(example.split())}" if example else usage
    parts = [f"### {name}", prose(said), f"```text\n{shown}\n```"]
    rows = [[typed, means] for typed, means in parameters(command)]
    if rows:
        parts.append(table(["given", "meaning"], rows))
    return "\n\n".join(part for part in parts if part)


def _usage(command: Any) -> Iterator[str]:
    if any(each.opts[0].startswith("-") for each in command.params):
        yield "[OPTIONS]"
    for each in command.params:
        if not each.opts[0].startswith("-"):
            name = (each.metavar or each.name.upper()).strip("[]")
            yield name if each.required else f"[{name}]"


def _typed(parameter: Any) -> str:
    names = [*reversed(parameter.opts), *parameter.secondary_opts]
    if not names[0].startswith("-"):
        return code((parameter.metavar or parameter.name.upper()).strip("[]"))
    value = "" if getattr(parameter, "is_flag", False) else f" {_value(parameter)}"
    return ", ".join(code(f"{name}{value}") for name in sorted(names, key=len, reverse=True))


def _value(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    kind = _kind(parameter)
    return "WORD" if _choices(kind) else _AS.get(kind, "TEXT")


def _kind(parameter: Any) -> Any:
    kind = parameter.type_descriptor.annotation
    return get_args(kind)[0] if get_origin(kind) is list else kind


def _choices(kind: Any) -> str:
    """The words of an enumeration; nothing for any other kind."""
    chosen = isinstance(kind, type) and issubclass(kind, Enum)
    return ", ".join(code(each.value) for each in kind) if chosen else ""


def _means(parameter: Any) -> str:
    said = cell(prose(parameter.help or ""))
    if choices := _choices(_kind(parameter)):
        said = f"{said} One of {choices}."
    if parameter.required:
        return f"{said} **Needed.**"
    value = parameter.default
    if value in {None, False, ""} or callable(value) or isinstance(value, list):
        return said
    return f"{said} Default: {code(plain(value.value if isinstance(value, Enum) else value))}."
