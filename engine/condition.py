"""Conditions: which parts of a document count, as its variables say by @skip and @include."""

from collections.abc import Iterator, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

DIRECTIVES = ("skip", "include")


def conditions(node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> tuple[str, ...]:
    """The variables that an operation's directives name."""
    seen: set[str] = set()

    def within(selections: SelectionSetNode | None) -> Iterator[str]:
        for node in selections.selections if selections else ():
            for directive in node.directives or ():
                if directive.name.value in DIRECTIVES:
                    values = [argument.value for argument in directive.arguments or ()]
                    yield from (value.name.value for value in values if isinstance(value, VariableNode))
            if isinstance(node, FieldNode | InlineFragmentNode):
                yield from within(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                yield from within(fragments[node.name.value].selection_set)

    return tuple(dict.fromkeys(within(node.selection_set)))
