"""Errors of graphql-core without the values that they repeat: those may be secrets."""

import re
from collections.abc import Sequence

from graphql import GraphQLError, GraphQLSyntaxError, Node, ObjectFieldNode, ValueNode, VariableNode

# What graphql-core says of a literal's syntax before it repeats some of it.
BEFORE_A_LITERAL = re.compile(
    r"Syntax Error: .*?(?:\b(?:BlockString|Float|Int|String)(?= ')|escape sequence(?=:)|Invalid number(?=,))"
)
# What it says of a value before it repeats it. Whatever else is said of a value is not passed on.
BEFORE_A_VALUE = re.compile(
    r"""(?: (?P<variable> Variable\ '\$\w+'\ has\ invalid\ (?:default\ )?value (?:\ at\ [\w.\[\]]+)? ) (?::\ |$) )?
    (?P<problem>
        Expected\ (?:a\ )?value\ of\ (?:non-null\ )?type\ '[\w!\[\]]+'
        (?: \ to\ be\ provided | \ not\ to\ be\ None | \ to\ be\ an\ object
          | \ to\ include\ required\ field\ '\w+' | \ not\ to\ include\ unknown\ field\ '\w+' )?
      | (?:Boolean|Float|ID|Int|String)\ cannot\ represent\ (?:a\ )?(?:non[\w -]+\ )?value
      | Enum\ '\w+'\ cannot\ represent\ non-(?:enum|string)\ value
      | Value\ cannot\ represent\ an?\ \w+
      | Value\ does\ not\ exist\ in\ '\w+'\ enum
      | Within\ OneOf\ Input\ Object\ type\ '\w+',\ exactly\ one\ field\ must\ be\ specified
    )?""",
    re.VERBOSE,
)
VALUE_OF_ENUM = re.compile(r"Value '.*' (?=does not exist in '\w+' enum)", re.DOTALL)


def safe_error(error: GraphQLError) -> GraphQLError:
    """The same error, fit to be logged: it names fields, types and variables, repeats no value and holds no source."""
    safe = GraphQLError(_message(error), path=error.path)
    safe.locations = error.locations
    return safe


def _message(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        found = BEFORE_A_LITERAL.match(error.message)
        return f"{found[0]}." if found else error.message
    told = BEFORE_A_VALUE.match(VALUE_OF_ENUM.sub("Value ", error.message))
    variable, problem = told.groups() if told else (None, None)
    if variable or _concerns_a_value(error):
        return ": ".join(filter(None, (variable, problem))) + "." if variable or problem else "A value is not valid."
    return error.message


def _concerns_a_value(error: GraphQLError) -> bool:
    nodes: Sequence[Node] = error.nodes or ()
    return not nodes or any(
        isinstance(node, ValueNode | ObjectFieldNode) and not isinstance(node, VariableNode) for node in nodes
    )
