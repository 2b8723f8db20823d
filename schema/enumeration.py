"""Enums of the rules, as the API shows them."""

from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=type[Enum])


def described(kind: E, description: str, *, name: str | None = None, **values: str) -> E:
    """`kind` as a GraphQL enum whose every value is described; raises ValueError where one is not."""
    missing = {member.name for member in kind} ^ values.keys()
    if missing:
        raise ValueError(f"{kind.__name__} and its descriptions differ in {', '.join(sorted(missing))}")
    strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = definition_of(kind)
    for value in definition.values:
        value.description = values[value.name]
    return kind


def definition_of(kind: Any) -> StrawberryEnumDefinition:
    """What Strawberry keeps beside an enum."""
    definition: StrawberryEnumDefinition = kind.__strawberry_definition__
    return definition
