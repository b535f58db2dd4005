"""What provider accounts' settings are made of. May not know any one provider."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, SecretStr

from worker.provider import Account

MAX_TIMEOUT: Final = 300.0


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with https:// (or http://) and name a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, no query and no fragment")
    return value


def fits_header(text: str) -> bool:
    """Whether a key or token can be sent in a header as it is."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _header_secret(value: SecretStr) -> SecretStr:
    if not fits_header(value.get_secret_value()):
        raise ValueError("must be printable ASCII, without spaces or line breaks")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""Where something is reached. Whether plain http is wise, whoever sets it knows."""

HeaderSecret = Annotated[SecretStr, AfterValidator(_header_secret)]
"""A key or token that is sent in a header."""


class StrictAccount(Account):
    """An account whose every field is checked and known; what adapters derive theirs from."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    base_url: HttpUrl
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 128
    rate: Annotated[float, Field(ge=0.001, le=10_000)] | None = None
    call_timeout: Annotated[float, Field(gt=0, le=MAX_TIMEOUT)] = 30.0
    books_rate: Annotated[float, Field(gt=0, le=1000)] = 4.0

    @property
    def secrets(self) -> list[str]:
        """Every secret of it in clear, to be hidden where an answer to a login repeats one."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return [one.get_secret_value() for one in fields if isinstance(one, SecretStr)]
