"""BIL-1. Hash chains: each link names the one before, so that whoever changes one has to change all that follow."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table

from models.quote import canonical

NO_HASH = "0" * 64
"""What the first link of a chain follows."""


def link(previous: str, content: Mapping[str, Any]) -> str:
    """The hash of a content that follows another one."""
    return hashlib.sha256(previous.encode() + b"\n" + canonical(content)).hexdigest()


def content_of(row: Any, table: Table, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """The columns of a row that are sealed, whether it is an object or what a select answered."""
    left_out = set(without)
    return {column.name: getattr(row, column.name) for column in table.columns if column.name not in left_out}
