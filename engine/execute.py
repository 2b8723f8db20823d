"""Execution on graphql-core, and what its errors become: coded, in the reader's language, without a secret."""

from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any, cast

from graphql import ExecutionResult, FieldNode, GraphQLError, GraphQLSchema
from graphql.execution.executor import Executor

from engine.declare import ROOT
from engine.error import BAD_USER_INPUT, INTERNAL, FieldRefused, RequestRefused, Translate
from engine.failure import WENT_WRONG, log_failure
from engine.operation import Document, Execution, Operation
from engine.outcome import in_order
from engine.redact import safe_error

MOST_COERCION_ERRORS = 5
Told = Mapping[type[BaseException], tuple[str, str]]
"""Code and sentence by the class of the failure."""


async def run(
    schema: GraphQLSchema,
    document: Document,
    operation: Operation,
    variables: dict[str, Any],
    context: Any,
    *,
    translate: Translate,
    told: Told = {},  # noqa: B006 - nobody changes it
) -> Execution:
    """The answer of an operation; raises RequestRefused (422) where the variables do not fit.

    `told` are failures of the surroundings that clients are told of: they are no defects.
    """
    executor = Executor.build(
        schema,
        document.node,
        root_value=ROOT,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation.name,
        max_coercion_errors=MOST_COERCION_ERRORS,
        hide_suggestions=True,
    )
    if isinstance(executor, list):
        raise unfit(executor)
    outcome = executor.execute_operation()
    result = cast(ExecutionResult, await outcome if isawaitable(outcome) else outcome)
    errors = in_order(result.data, result.errors or ())
    return Execution(result.data, [formatted(error, context.request_id, translate, told) for error in errors])


def unfit(errors: Sequence[GraphQLError]) -> RequestRefused:
    """Variables that are not of their types."""
    safe = [safe_error(error) for error in errors]
    return RequestRefused(422, BAD_USER_INPUT, "The variables do not fit.", errors=safe, well_formed=True)


def formatted(error: GraphQLError, request_id: str, translate: Translate, told: Told) -> dict[str, Any]:
    """An error of the answer. What was not meant to be said is masked, and logged without any value."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and not isinstance(cause, FieldRefused) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, FieldRefused):
        message, extensions = translate(cause.template, **cause.figures), dict(cause.extensions or {})
    elif cause is None or isinstance(cause, GraphQLError):
        message, extensions = safe_error(error).message, {"code": BAD_USER_INPUT}
    elif type(cause) in told:
        code, template = told[type(cause)]
        message, extensions = translate(template), {"code": code}
    else:
        log_failure("field_failed", cause, request_id=request_id, field=field_of(error))
        message, extensions = translate(WENT_WRONG), {"code": INTERNAL, "requestId": request_id}
    return {**error.formatted, "message": message, "extensions": extensions}


def field_of(error: GraphQLError) -> str:
    """The field where an error arose, by its name in the schema: the path would show aliases, which are a client's."""
    node = error.nodes[0] if error.nodes else None
    return node.name.value if isinstance(node, FieldNode) else ""
