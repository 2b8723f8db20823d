"""Makes a document smaller, as long as what is wrong with it stays."""

from collections.abc import Awaitable, Callable
from typing import Any

from graphql import (
    REMOVE,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.scope import Request

REMOVABLE = {"field", "inline_fragment", "fragment_spread", "directive", "argument"}


class Pruner(Visitor):
    """Removes the node of a number; `count` is how many there are."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.count = 0

    def enter(self, node: Node, *_: Any) -> Any:
        if node.kind not in REMOVABLE:
            return None
        self.count += 1
        return REMOVE if self.count - 1 == self.number else None

    def leave(self, node: Any, *_: Any) -> Any:
        """What has nothing left in it goes as well."""
        chosen = getattr(node, "selection_set", None)
        return REMOVE if chosen is not None and not chosen.selections else None


class Uses(Visitor):
    """The fragments and variables that a node refers to."""

    def __init__(self, *nodes: Node) -> None:
        super().__init__()
        self.fragments: set[str] = set()
        self.variables: set[str] = set()
        for node in nodes:
            visit(node, self)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.fragments.add(node.name.value)

    def enter_variable(self, node: VariableNode, _key: Any, parent: Any, *_: Any) -> None:
        if getattr(parent, "kind", "") != "variable_definition":
            self.variables.add(node.name.value)


def tidied(document: DocumentNode, name: str | None) -> str:
    """Without the operations that are not meant, and without fragments and variables that nobody uses."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    meant = next(each for each in operations if name is None or (each.name and each.name.value == name))
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    used: dict[str, None] = {}
    waiting = sorted(Uses(meant).fragments)
    while waiting:
        found = waiting.pop()
        if found not in used and found in fragments:
            used[found] = None
            waiting += sorted(Uses(fragments[found]).fragments)
    kept = [fragments[each] for each in sorted(used)]
    variables = Uses(meant, *kept).variables
    declared = tuple(each for each in meant.variable_definitions or () if each.variable.name.value in variables)
    parts = {key: getattr(meant, key) for key in meant.keys if key != "loc"}
    operation = OperationDefinitionNode(**{**parts, "variable_definitions": declared})
    return print_ast(DocumentNode(definitions=(operation, *kept)))


async def shrunk(request: Request, is_wrong: Callable[[Request], Awaitable[bool]]) -> Request:
    """The smallest of what is still wrong that leaving out one thing after the other leads to."""
    number, changed = 0, False
    while True:
        pruner = Pruner(number)
        smaller = visit(parse(request.text), pruner)
        if number >= pruner.count:
            if not changed:
                return request
            number, changed = 0, False
            continue
        try:
            candidate = request._replace(text=tidied(smaller, request.operation_name))
        except (StopIteration, AttributeError):
            number += 1
            continue
        if await is_wrong(candidate):
            request, changed = candidate, True
        else:
            number += 1
