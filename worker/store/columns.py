"""Column shapes that the tables share."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Numeric, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def text(**options: Any) -> Any:
    """A column of text."""
    return Field(sa_type=Text, **options)


def moment(**options: Any) -> Any:
    """A column holding an aware point in time."""
    return Field(sa_type=DateTime(timezone=True), **options)


def now() -> Any:
    """A column that the database fills with its own time."""
    return moment(sa_column_kwargs={"server_default": sql("orderline_now()")})


def count(start: int = 0) -> Any:
    """A column that counts from ``start``."""
    return Field(default=start, sa_column_kwargs={"server_default": str(start)})


def document(**options: Any) -> Any:
    """A column of JSON."""
    return Field(sa_type=JSONB, **options)


def money() -> Any:
    """An amount: twelve digits before the point, six after it, and room for sums."""
    return Field(sa_type=Numeric(24, 6))


def listed(column: str, words: Iterable[StrEnum]) -> str:
    """SQL saying that a column holds one of these words."""
    quoted = ", ".join(sorted(f"'{word}'" for word in words))
    return f"{column} IN ({quoted})"


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """A constraint that keeps a column to the words of an enum (or NULL)."""
    return CheckConstraint(listed(column, words), name=f"{column}_is_known")


def closed_by_a_decision() -> CheckConstraint:
    """A constraint on what people close: when, by whom and how are known together."""
    return CheckConstraint(
        "(closed_at IS NULL) = (decision IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)",
        name="closed_by_a_decision",
    )
