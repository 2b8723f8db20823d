"""Objects with an id of their own: global ids, the Node interface, and what every such type says of its rows."""

import base64
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from sqlmodel import SQLModel

from engine.declare import Column, Computed, Source, declare
from models.column import table
from models.refusal import NotFound
from schema.directive import PUBLIC, Authorize, Public

T = TypeVar("T", bound=type)

SOURCES: dict[type, Source] = {}
"""The table, owner and gate of every type over rows; filled by `node` and `listed`."""


@strawberry.interface(description="An object that can be refetched by its opaque, globally unique, immutable id.")
class Node:
    id: strawberry.ID = declare(Column(), description="Opaque id; never parse or build one.")


@strawberry.interface(description="Somebody or something that acts: a customer, a support agent or the system.")
class Actor:
    display_name: str = strawberry.field(description="Name to show.")


def node(
    model: type[SQLModel],
    *,
    gate: Authorize | Public,
    owner: str | None,
    description: str,
    only: ColumnElement[bool] | None = None,
) -> Callable[[T], T]:
    """A Node type over the rows of `model`. `owner` is the column of their profile, None if every viewer owns them.

    Rows outside `only` are treated as deleted.
    """

    if owner is None and "owner_id" in table(model).c:
        raise TypeError(f'{model.__name__} rows have an owner: say owner="owner_id"')

    def made(kind: T) -> T:
        identity = declare(Computed(lambda key: global_id(kind.__name__, key), ("id",)), description="Global id.")
        setattr(kind, "id", identity)  # noqa: B010 - a type variable has no attribute of that name
        kind.__annotations__ = {"id": strawberry.ID, **kind.__annotations__}
        SOURCES[kind] = Source(table(model), (owner,) if owner else (), gate, only)
        return strawberry.type(kind, description=description, directives=[gate])

    return made


def listed(model: type[SQLModel], *, description: str) -> Callable[[T], T]:
    """A type without an id in the API over the rows of `model`, which anybody may see: what is sold, for one."""
    if "owner_id" in table(model).c:
        raise TypeError(f"{model.__name__} rows have an owner: they are nodes, behind a gate")

    def made(kind: T) -> T:
        SOURCES[kind] = Source(table(model), (), PUBLIC)
        return strawberry.type(kind, description=description)

    return made


def global_id(type_name: str, key: UUID) -> str:
    """The id that clients hold."""
    return base64.urlsafe_b64encode(type_name.encode() + b":" + key.bytes).decode().rstrip("=")


def read_global_id(text: str) -> tuple[str, UUID] | None:
    """Type and key of an id that `global_id` made; None for anything else."""
    try:
        name, colon, key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).partition(
            b":"
        )
        found = name.decode("ascii"), UUID(bytes=key)
    except ValueError:
        return None
    return found if colon and found[0].isidentifier() and global_id(*found) == text else None


def key_of(text: str, type_name: str, *path: str) -> UUID:
    """The key in an id of this type; raises NotFound at the input field for anything else."""
    found = read_global_id(text)
    if found is None or found[0] != type_name:
        raise NotFound().at(*path)
    return found[1]
