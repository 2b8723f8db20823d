"""The printed schema: it is what is checked in, and every part of it follows the conventions of the API."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from graphql import (
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeNode,
    build_schema,
    parse,
    print_ast,
    validate_schema,
)

from engine.bind import Bound
from schema.staff import build as build_staff
from tests.api import Api

CHECKED_IN = Path(__file__).parent.parent / "schema" / "schema.graphql"
GENERIC = {
    "REQUIRED",
    "INVALID",
    "NOT_FOUND",
    "CONFLICT",
    "TOO_MANY_ATTEMPTS",
    "IDEMPOTENCY_KEY_REUSED",
    "IDEMPOTENCY_IN_PROGRESS",
}
"""Codes that any mutation may answer, and that none declares for that."""
PAGE = ["first: Int", "after: String", "last: Int", "before: String"]
BUILT_IN = {"Boolean", "Float", "ID", "Int", "String"}
Composite = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode


@pytest.fixture(scope="session")
def text(bound: Bound) -> str:
    return bound.schema.as_str() + "\n"


@pytest.fixture(scope="session")
def printed(text: str) -> DocumentNode:
    return parse(text)


def composites(printed: DocumentNode) -> Iterator[Composite]:
    for definition in printed.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            yield definition


def fields(printed: DocumentNode) -> Iterator[tuple[str, Composite, FieldDefinitionNode]]:
    """Every field of what is read, with its coordinate."""
    for parent in composites(printed):
        for field in parent.fields or ():
            yield f"{parent.name.value}.{field.name.value}", parent, field


def root(printed: DocumentNode, name: str) -> Sequence[FieldDefinitionNode]:
    return [field for _, parent, field in fields(printed) if parent.name.value == name]


def inputs(printed: DocumentNode) -> Iterator[tuple[str, InputValueDefinitionNode]]:
    """Every argument and every field of an input, with its coordinate."""
    for coordinate, _, field in fields(printed):
        for argument in field.arguments or ():
            yield f"{coordinate}({argument.name.value}:)", argument
    for definition in printed.definitions:
        if isinstance(definition, InputObjectTypeDefinitionNode):
            for given in definition.fields or ():
                yield f"{definition.name.value}.{given.name.value}", given
        elif isinstance(definition, DirectiveDefinitionNode):
            for argument in definition.arguments or ():
                yield f"@{definition.name.value}({argument.name.value}:)", argument


def described(printed: DocumentNode) -> Iterator[tuple[str, StringValueNode | None]]:
    """Everything that has to say what it is."""
    for definition in printed.definitions:
        if isinstance(definition, TypeDefinitionNode | DirectiveDefinitionNode):
            yield definition.name.value, definition.description
        if isinstance(definition, EnumTypeDefinitionNode):
            for value in definition.values or ():
                yield f"{definition.name.value}.{value.name.value}", value.description
    for coordinate, _, field in fields(printed):
        yield coordinate, field.description
    for coordinate, given in inputs(printed):
        yield coordinate, given.description


def directive(node: Composite | FieldDefinitionNode, *names: str) -> ConstDirectiveNode | None:
    return next((each for each in node.directives or () if each.name.value in names), None)


def implemented(node: Composite) -> list[str]:
    return [interface.name.value for interface in node.interfaces or ()]


def named(type_: TypeNode) -> str:
    """The name inside brackets and exclamation marks."""
    return re.sub(r"[\[\]!]", "", print_ast(type_))


# The text


def test_the_schema_that_is_checked_in_is_the_one_that_is_served(text: str) -> None:
    assert CHECKED_IN.read_text("utf-8") == text


def test_the_staff_schema_that_is_checked_in_is_the_one_that_is_served() -> None:
    """It is not published: other services are given the file."""
    assert CHECKED_IN.with_name("staff.graphql").read_text("utf-8") == build_staff().schema.as_str() + "\n"


async def test_the_schema_is_published(api: Api, text: str) -> None:
    response = await api.client.get("/schema.graphql")
    assert (response.status_code, response.text) == (200, text)


def test_the_schema_is_one_that_tools_can_read(text: str) -> None:
    assert validate_schema(build_schema(text)) == []


def test_the_schema_names_no_type_that_it_does_not_hold(printed: DocumentNode) -> None:
    held = {each.name.value for each in printed.definitions if isinstance(each, TypeDefinitionNode)}
    used = {named(field.type) for _, _, field in fields(printed)} | {named(each.type) for _, each in inputs(printed)}
    assert used - held <= BUILT_IN
    reached = (
        used
        | {"Query", "Mutation", "Subscription"}
        | {name for each in composites(printed) for name in implemented(each)}
    )
    unused = {name for name in held - reached if not implements(printed, name)}
    assert unused == set()


def implements(printed: DocumentNode, name: str) -> bool:
    return any(implemented(each) for each in composites(printed) if each.name.value == name)


# Words


def test_everything_says_what_it_is(printed: DocumentNode) -> None:
    silent = [coordinate for coordinate, text in described(printed) if text is None or not text.value.strip()]
    assert silent == ["oneOf"], "what GraphQL itself defines says nothing"


def test_descriptions_are_sentences(printed: DocumentNode) -> None:
    texts = [(coordinate, text.value) for coordinate, text in described(printed) if text is not None]
    ends = (".", "?", '".')
    assert [coordinate for coordinate, text in texts if not text.rstrip().endswith(ends)] == []
    assert [coordinate for coordinate, text in texts if text != text.strip()] == []


def test_names_are_written_as_everywhere(printed: DocumentNode) -> None:
    wrong = []
    for definition in printed.definitions:
        if isinstance(definition, TypeDefinitionNode) and not re.fullmatch(r"[A-Z][A-Za-z]+", definition.name.value):
            wrong.append(definition.name.value)
        if isinstance(definition, EnumTypeDefinitionNode):
            values = [value.name.value for value in definition.values or ()]
            wrong += [value for value in values if not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", value)]
        if isinstance(definition, InputObjectTypeDefinitionNode):
            wrong += [definition.name.value] if not definition.name.value.endswith(("Input", "Filter", "Order")) else []
    names = [(coordinate, field.name.value) for coordinate, _, field in fields(printed)]
    names += [(coordinate, given.name.value) for coordinate, given in inputs(printed)]
    wrong += [coordinate for coordinate, name in names if not re.fullmatch(r"[a-z][A-Za-z]*(4|256)?", name)]
    assert wrong == []


def test_what_is_deprecated_says_why_what_to_use_and_until_when(printed: DocumentNode) -> None:
    reasons = [print_ast(found) for _, _, field in fields(printed) if (found := directive(field, "deprecated"))]
    form = r'@deprecated\(reason: ".+; use .+; removal after \d{4}-\d\d-\d\d"\)'
    assert [reason for reason in reasons if not re.fullmatch(form, reason)] == []


# Mutations


def test_a_mutation_takes_one_input_and_answers_its_payload(printed: DocumentNode) -> None:
    payloads = {each.name.value: each for each in composites(printed)}
    assert root(printed, "Mutation")
    for field in root(printed, "Mutation"):
        name = field.name.value[0].upper() + field.name.value[1:]
        arguments = [(each.name.value, print_ast(each.type)) for each in field.arguments or ()]
        assert arguments == [("input", f"{name}Input!")]
        assert print_ast(field.type) == f"{name}Payload"
        assert "MutationPayload" in implemented(payloads[f"{name}Payload"])
        assert directive(field, "semanticNonNull"), name


def test_a_payload_belongs_to_its_mutation_and_shows_nothing_but_nullable_fields(printed: DocumentNode) -> None:
    """What a refusal leaves out is null."""
    answered = {named(field.type) for field in root(printed, "Mutation")}
    for each in composites(printed):
        if "MutationPayload" not in implemented(each):
            continue
        assert each.name.value in answered
        shown = {field.name.value: field.type for field in each.fields or ()}
        assert print_ast(shown.pop("userErrors")) == "[UserError!]!"
        assert print_ast(shown["query"]) == "Query"
        assert not [name for name, type_ in shown.items() if isinstance(type_, NonNullTypeNode)], each.name.value


def test_errors_have_the_fields_of_every_error(printed: DocumentNode) -> None:
    errors = [each for each in composites(printed) if "UserError" in implemented(each)]
    assert errors
    for each in errors:
        shown = {field.name.value: print_ast(field.type) for field in each.fields or ()}
        assert shown.items() >= {"code": "UserErrorCode!", "message": "String!", "field": "[String!]"}.items()


def test_a_code_is_generic_or_declared_by_a_mutation(printed: DocumentNode) -> None:
    """A code that nothing answers is not there yet."""
    declared = {
        code
        for field in root(printed, "Mutation")
        if (found := directive(field, "fails"))
        for code in re.findall(r"[A-Z_]+", print_ast(found))
    }
    (codes,) = [
        {value.name.value for value in each.values or ()}
        for each in printed.definitions
        if isinstance(each, EnumTypeDefinitionNode) and each.name.value == "UserErrorCode"
    ]
    assert codes >= GENERIC | declared
    assert codes - GENERIC == declared - GENERIC


# Guards


def test_every_mutation_and_every_node_states_its_gate(printed: DocumentNode) -> None:
    acting = [*root(printed, "Mutation"), *root(printed, "Subscription")]
    open_ones = [field.name.value for field in acting if not directive(field, "authorize", "public")]
    open_ones += [
        each.name.value
        for each in composites(printed)
        if isinstance(each, ObjectTypeDefinitionNode)
        and "Node" in implemented(each)
        and not directive(each, "authorize", "public")
    ]
    assert open_ones == []


def test_no_gate_is_open_and_shut(printed: DocumentNode) -> None:
    both = [name for name, _, field in fields(printed) if directive(field, "authorize") and directive(field, "public")]
    both += [
        each.name.value for each in composites(printed) if directive(each, "authorize") and directive(each, "public")
    ]
    assert both == []


def test_a_guarded_field_may_be_null(printed: DocumentNode) -> None:
    guarded = [(name, field) for name, _, field in fields(printed) if directive(field, "authorize")]
    assert guarded
    assert [name for name, field in guarded if isinstance(field.type, NonNullTypeNode)] == []


def test_null_that_means_an_error_is_said_of_nullable_fields_only(printed: DocumentNode) -> None:
    meant = [(name, field) for name, _, field in fields(printed) if directive(field, "semanticNonNull")]
    assert meant
    assert [name for name, field in meant if isinstance(field.type, NonNullTypeNode)] == []


def test_the_roots_need_a_session_or_say_that_they_do_not(printed: DocumentNode) -> None:
    """A root that is guarded may fail; so may one that needs a session, which is therefore nullable."""
    shut = [field for field in root(printed, "Query") if not directive(field, "public")]
    assert [field.name.value for field in shut] == ["account", "server", "invoice", "ticket", "sandbox"]
    assert [field.name.value for field in shut if isinstance(field.type, NonNullTypeNode)] == []


def test_a_node_has_an_id(printed: DocumentNode) -> None:
    nodes = [each for each in composites(printed) if "Node" in implemented(each)]
    assert nodes
    for each in nodes:
        assert "id: ID!" in [f"{field.name.value}: {print_ast(field.type)}" for field in each.fields or ()]


# Lists


def test_a_list_that_can_grow_is_a_connection_and_any_other_says_its_bound(printed: DocumentNode) -> None:
    objects = {each.name.value for each in composites(printed)}
    unbounded = []
    for coordinate, parent, field in fields(printed):
        if "[" not in print_ast(field.type) or named(field.type) not in objects:
            continue
        if parent.name.value.endswith("Connection") or field.name.value == "userErrors":
            continue
        text = field.description.value if field.description else ""
        if "(bounded list)" not in text and "at most" not in text:
            unbounded.append(coordinate)
    assert unbounded == []


def test_a_connection_is_one_as_relay_knows_it(printed: DocumentNode) -> None:
    kinds = {each.name.value: each for each in composites(printed)}
    connections = [name for name in kinds if name.endswith("Connection")]
    assert connections
    for name in connections:
        item = name.removesuffix("Connection")
        shown = [f"{field.name.value}: {print_ast(field.type)}" for field in kinds[name].fields or ()]
        assert shown == [f"edges: [{item}Edge!]!", f"nodes: [{item}!]!", "pageInfo: PageInfo!", "totalCount: Int!"]
        edge = [f"{field.name.value}: {print_ast(field.type)}" for field in kinds[f"{item}Edge"].fields or ()]
        assert edge == ["cursor: String!", f"node: {item}!"]
        assert "Node" in implemented(kinds[item])


def test_a_connection_takes_a_page_and_then_what_narrows_it(printed: DocumentNode) -> None:
    paged = [(name, field) for name, _, field in fields(printed) if named(field.type).endswith("Connection")]
    assert paged
    for name, field in paged:
        arguments = [f"{each.name.value}: {print_ast(each.type)}" for each in field.arguments or ()]
        assert arguments[:4] == PAGE, name
        assert {each.partition(":")[0] for each in arguments[4:]} <= {"filter", "orderBy"}, name


def test_what_has_a_default_cannot_be_null(printed: DocumentNode) -> None:
    """What null would mean beside it, nobody could guess."""
    odd = [name for name, each in inputs(printed) if each.default_value and not isinstance(each.type, NonNullTypeNode)]
    assert odd == []
