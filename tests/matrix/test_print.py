"""docs/permissions.md says what the matrix tests."""

from engine.bind import Bound
from tests.matrix.print import PAGE, page


def test_the_page_of_permissions_is_that_of_the_table(bound: Bound) -> None:
    assert PAGE.read_text("utf-8") == page(bound.graphql), "python -m tests.matrix.print --write writes it anew"
