"""Pages of connections: what is asked for, and keyset cursors."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Table, and_, bindparam, or_

from engine.declare import Order
from engine.error import BAD_USER_INPUT, FieldRefused

DEFAULT_SIZE = 25
LARGEST_SIZE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`size` items in one direction from one place; a cursor holds the values of the order's columns."""

    size: int = DEFAULT_SIZE
    backwards: bool = False
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    order: tuple[Order, ...] = ()
    tag: str | None = None
    """What its cursors say of the order, where it is not the usual one of the connection."""


def page_request(
    arguments: Mapping[str, Any], order: tuple[Order, ...], table: Table, *, tagged: bool = False
) -> PageRequest:
    """The page that a connection's arguments ask for; raises BAD_USER_INPUT."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise FieldRefused(BAD_USER_INPUT, "Give first or last, not both.")
    size: int = next((given for given in (first, last) if given is not None), DEFAULT_SIZE)
    if not 0 <= size <= LARGEST_SIZE:
        raise FieldRefused(BAD_USER_INPUT, "A page holds 0 to {most} items.", most=LARGEST_SIZE)
    tag = ",".join(f"-{part.column}" if part.descending else part.column for part in order) if tagged else None
    return PageRequest(
        size,
        backwards=last is not None,
        after=_decoded(arguments.get("after"), order, table, tag),
        before=_decoded(arguments.get("before"), order, table, tag),
        order=order,
        tag=tag,
    )


def cursor(values: Sequence[Any], tag: str | None = None) -> str:
    """The opaque place of a row: its values of the order's columns. Drivers have kinds of UUID of their own.

    A `tag` tells one order from another, in which the same place would mean something else.
    """
    held = [*values] if tag is None else [tag, *values]
    return base64.urlsafe_b64encode(orjson.dumps(held, default=str)).decode().rstrip("=")


def beyond(order: Sequence[Order], table: Table, name: str, *, following: bool) -> ColumnElement[bool]:
    """The rows after a place in this order, or before it; its values are the parameters `<name>_0`, `<name>_1`…

    The first column is bounded on its own as well: the disjunction alone gives an index nothing to start from.
    """
    ways: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for index, part in enumerate(order):
        column = table.c[part.column]
        place = bindparam(f"{name}_{index}", type_=column.type)
        ways.append(and_(*equal, column > place if part.descending is not following else column < place))
        equal.append(column == place)
    first = table.c[order[0].column]
    start = bindparam(f"{name}_0", type_=first.type)
    return and_(first >= start if order[0].descending is not following else first <= start, or_(*ways))


def _decoded(text: str | None, order: Sequence[Order], table: Table, tag: str | None) -> tuple[Any, ...] | None:
    if text is None:
        return None
    try:
        values = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if tag is not None and values.pop(0) != tag:
            raise ValueError("a cursor of another order")
        kinds = [table.c[part.column].type.python_type for part in order]
        place = tuple(READERS[kind](value) for kind, value in zip(kinds, values, strict=True))
        if cursor(place, tag) != text:
            raise ValueError("another spelling of a cursor")
    except (ValueError, TypeError, AttributeError, LookupError):
        raise FieldRefused(BAD_USER_INPUT, "This cursor is not one of this list.") from None
    return place


def _instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.utcoffset() != timedelta(0):
        raise ValueError("a cursor's instants are in UTC")
    return instant


def _day(value: str) -> date:
    return date.fromisoformat(value)


def _integer(value: int) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError("not an integer that a column holds")
    return value


def _text(value: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text that a column holds")
    return value


READERS: dict[type, Callable[[Any], Any]] = {
    datetime: _instant,
    date: _day,
    UUID: UUID,
    int: _integer,
    str: _text,
}
