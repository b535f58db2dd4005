"""What a browser sends: a small form, read strictly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from worker.operating.words import Unfit, read_id, read_why

MOST: Final = 64 * 1024
"""Bytes of a form."""
_FIELDS: Final = 500
_KIND: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """Fields and what they say."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> str:
        """What a field says; nothing where it is not there."""
        return self.fields.get(name, "")

    def word(self, name: str) -> str | None:
        """A line of text, ``None`` where it says nothing."""
        return self.get(name).strip() or None

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.get(name))

    def why(self) -> str:
        """The reason, without which nothing is done. Raises ``Unfit``."""
        try:
            return read_why(self.get("why"))
        except Unfit as fault:
            raise Unfit(f"Say why: {fault}.") from None

    def id(self, name: str) -> str | None:
        """A provider's id, if there is one. Raises ``Unfit``."""
        said = self.word(name)
        return None if said is None else read_id(said)

    def ids(self, prefix: str) -> Mapping[str, str]:
        """The ids in all fields that begin so, by what follows."""
        named = [name for name in self.fields if name.startswith(prefix)]
        found = {name.removeprefix(prefix): self.id(name) for name in named}
        return {name: said for name, said in found.items() if said is not None}


async def read_form(request: Request) -> Form:
    """The form that was sent. Raises ``Unfit``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise Unfit("That is more than fits here.")
    if kind != _KIND:
        raise Unfit("That is no form of ours.")
    try:
        pairs: Sequence[tuple[str, str]] = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Unfit("That is no form of ours.") from None
    if any("\0" in name or "\0" in said for name, said in pairs):
        raise Unfit("That is no form of ours.")
    return Form(dict(pairs))
