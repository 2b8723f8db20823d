"""Conditions: which parts of a document count, as its variables say by @skip and @include."""

from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from engine.operation import fragments_of

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


def is_introspection(node: OperationDefinitionNode, document: DocumentNode) -> bool:
    """Whether all that an operation asks is about the schema."""
    fragments = fragments_of(document)

    def within(selections: SelectionSetNode) -> bool:
        for each in selections.selections:
            if isinstance(each, FieldNode):
                asked = each.name.value.startswith("__")
            elif isinstance(each, FragmentSpreadNode):
                asked = within(fragments[each.name.value].selection_set)
            else:
                asked = isinstance(each, InlineFragmentNode) and within(each.selection_set)
            if not asked:
                return False
        return True

    return within(node.selection_set)
