"""Kinds of settings: durations, lists, and where Redis is."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from worker import redises


def _read_seconds(value: object) -> object:
    """A bare number is seconds, also as text, which is all that an environment can hold."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Span = Annotated[timedelta, BeforeValidator(_read_seconds), Field(ge=timedelta(0))]
"""A duration: seconds (``30``) or ISO 8601 (``PT30S``)."""


def _is_redis(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if url.partition("://")[0] not in redises.SCHEMES:
        raise ValueError("must start with redis://, rediss:// or sentinel://")
    try:
        redises.sentinels_of(url)
    except ValueError:
        raise ValueError("must be sentinel://HOST:PORT,HOST:PORT/0?master=NAME") from None
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_is_redis)]
"""Where Redis is; see ``redises``."""


def hosts_in(named: str) -> frozenset[str]:
    """Comma-separated hosts, as a set."""
    return frozenset(h.strip().lower() for h in named.split(",") if h.strip())


def spans_in(waits: str) -> tuple[timedelta, ...]:
    """Comma-separated seconds, as durations. Raises ``ValueError``, ``OverflowError``."""
    return tuple(timedelta(seconds=float(part)) for part in waits.split(","))
