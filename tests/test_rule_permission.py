"""PER-1, PER-2, PER-3. The permissions that there are."""

from enum import StrEnum

import pytest
from graphql import GraphQLEnumType

from engine.bind import Bound
from models.permission import AccountPermission, OverallPermission, ServerPermission


@pytest.mark.parametrize(("kind", "number"), [(OverallPermission, 4), (AccountPermission, 20), (ServerPermission, 10)])
def test_every_permission_has_its_name_and_description(bound: Bound, kind: type[StrEnum], number: int) -> None:
    enum = bound.graphql.type_map[kind.__name__]
    assert isinstance(enum, GraphQLEnumType)
    shown = enum.values
    assert len(shown) == number
    assert set(shown) == {member.value for member in kind}
    assert all(value.description for value in shown.values())
