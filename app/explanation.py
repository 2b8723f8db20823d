"""How a document is executed, as text for whoever writes it."""

from collections.abc import Iterator

from graphql.execution.values import VariableValues
from sqlalchemy import Dialect

from app.settings import Settings
from engine.bind import Bound
from engine.compiler import Compiler, Declined
from engine.document import Documents
from engine.error import RequestRefused, in_english
from engine.explanation import explained
from engine.measure import cost_of
from engine.operation import Document, Operation
from models.db import async_url
from schema.directive import weight_of


def explanation(text: str, settings: Settings, bound: Bound) -> str:
    """Each operation of a document; or why it would be refused."""
    documents = Documents(bound.graphql, settings.documents, weight_of, entries=1, size_bytes=len(text))
    dialect = async_url(settings.database_url).get_dialect()()
    try:
        document = documents.prepare(text)
        return "\n\n".join(
            "\n".join(_lines(document, operation, settings, bound, dialect)) for operation in document.operations
        )
    except RequestRefused as refused:
        return "\n".join(f"{refused.code}: {error['message']}" for error in refused.formatted(in_english))


def _lines(
    document: Document, operation: Operation, settings: Settings, bound: Bound, dialect: Dialect
) -> Iterator[str]:
    yield f"{operation.kind.value} {operation.name or ''}".rstrip()
    yield f"cost: {cost_of(operation, {}, settings.documents)}, of which variables may make more"
    conditions = dict.fromkeys(operation.conditions, True)
    if conditions:
        yield f"taken as true: {', '.join(conditions)}"
    try:
        plan = Compiler(bound, document, operation, VariableValues({}, conditions)).plan()
    except Declined as declined:
        yield f"executed by graphql-core: {declined.reason}"
        return
    for line in explained(plan, dialect):
        yield line.text()
