"""Execution: by a plan where there can be one, else on graphql-core, which has the same declarations and answers alike.

Plans are kept, within so many entries and bytes, by document, operation and the conditions under which they hold. A
query whose plan meets something unexpected is answered by graphql-core after all; a mutation, which may have acted by
then, never is.
"""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from graphql import OperationType
from graphql.execution.values import VariableValues, get_variable_values
from sqlalchemy import Dialect

from engine.bind import Bound
from engine.cache import LruCache
from engine.compiler import INTROSPECTION, Compiler, Declined
from engine.condition import is_introspection
from engine.error import Translate
from engine.execute import MOST_COERCION_ERRORS, Told, formatted, run, unfit
from engine.explanation import Line, explained
from engine.failure import log_failure
from engine.operation import Document, Execution, Operation
from engine.performance import Performance
from engine.plan import Plan, Variables

FAILED = "failed"
OFF = "off"
MOST_CONDITIONS = 8
"""Variables that say which parts of a document count: each doubles the plans that it may have."""
MOST_INTROSPECTIONS = 16
MEMORY_PER_BYTE = 10
"""What a byte of an answer takes in memory before it is written."""


@dataclass(slots=True)
class Counters:
    """What became of the operations so far."""

    hits: int = 0
    """Answered by a plan that was there."""
    built: int = 0
    build_seconds: float = 0.0
    fallbacks: Counter[str] = field(default_factory=Counter)
    """Answered by graphql-core, by reason."""


class Executor:
    """What executes the operations of one schema. Without `plans`, graphql-core executes all of them."""

    def __init__(self, bound: Bound, *, entries: int, size_bytes: int, plans: bool = True) -> None:
        self.bound = bound
        self.plans = plans
        self.counters = Counters()
        self._plans = LruCache[Plan | Declined](entries, size_bytes)
        self._introspections = LruCache[Execution](MOST_INTROSPECTIONS, size_bytes)

    async def execute(
        self,
        document: Document,
        operation: Operation,
        variables: dict[str, Any],
        context: Any,
        *,
        translate: Translate,
        told: Told = {},  # noqa: B006 - nobody changes it
    ) -> Execution:
        """The answer of an operation; raises RequestRefused (422) where the variables do not fit."""
        values = self.values(operation, variables)
        plan = self._planned(document, operation, values, context)
        if isinstance(plan, Plan):
            try:
                data, errors = await Performance(self.bound, plan, operation.node, values, context).answer()
            except Exception as error:
                if operation.kind is OperationType.MUTATION:
                    raise
                self._failed(error, context)
            else:
                return Execution(data, [formatted(error, context.request_id, translate, told) for error in errors])
        elif plan == INTROSPECTION and not operation.node.variable_definitions:
            return await self._introspected(document, operation, context, translate, told)
        return await run(self.bound.graphql, document, operation, variables, context, translate=translate, told=told)

    def _planned(self, document: Document, operation: Operation, values: Variables, context: Any) -> Plan | str:
        """The plan, or the reason why graphql-core executes it: nothing of the operation has been done yet."""
        try:
            return self.plan(document, operation, values)
        except Declined as declined:
            self.counters.fallbacks[declined.reason] += 1
            return declined.reason
        except Exception as error:
            return self._failed(error, context)

    def _failed(self, error: Exception, context: Any) -> str:
        log_failure("plan_failed", error, request_id=context.request_id)
        self.counters.fallbacks[FAILED] += 1
        return FAILED

    async def _introspected(
        self, document: Document, operation: Operation, context: Any, translate: Translate, told: Told
    ) -> Execution:
        """What the schema says of itself: the same for everybody, and dear to find out."""
        key = document.text, operation.name
        known = self._introspections.get(key)
        if known is None:
            known = await run(self.bound.graphql, document, operation, {}, context, translate=translate, told=told)
            if is_introspection(operation.node, document.node) and not known.errors:
                self._introspections.keep(key, known, MEMORY_PER_BYTE * len(orjson.dumps(known.data)))
        return replace(known)

    def make_ready(self, document: Document) -> None:
        """Plan the operations of a document beforehand, those of which all parts always count."""
        for operation in document.operations:
            if not operation.conditions:
                with suppress(Declined):
                    self.plan(document, operation, VariableValues({}, {}))

    def explained(
        self, document: Document, operation: Operation, variables: dict[str, Any], dialect: Dialect
    ) -> list[Line] | None:
        """What the plan of an operation does; None where graphql-core executes it."""
        try:
            return explained(self.plan(document, operation, self.values(operation, variables)), dialect)
        except Declined:
            return None

    def values(self, operation: Operation, variables: dict[str, Any]) -> Variables:
        """The variables as they are meant; raises RequestRefused."""
        values = get_variable_values(
            self.bound.graphql,
            operation.node.variable_definitions or (),
            variables,
            max_errors=MOST_COERCION_ERRORS,
            hide_suggestions=True,
        )
        if isinstance(values, list):
            raise unfit(values)
        return values

    def plan(self, document: Document, operation: Operation, values: Variables) -> Plan:
        """The plan of an operation; raises Declined."""
        if not self.plans:
            raise Declined(OFF)
        if len(operation.conditions) > MOST_CONDITIONS:
            raise Declined("conditions")
        key = document.text, operation.name, tuple(values.coerced.get(name) for name in operation.conditions)
        if (plan := self._plans.get(key)) is not None:
            self.counters.hits += isinstance(plan, Plan)
        else:
            plan = self._built(document, operation, values)
            # A plan holds its document, also where that is not kept any more.
            size_bytes = plan.size_bytes + document.size_bytes if isinstance(plan, Plan) else 2 * len(document.text)
            self._plans.keep(key, plan, size_bytes)
        if isinstance(plan, Declined):
            raise Declined(plan.reason)
        return plan

    def _built(self, document: Document, operation: Operation, values: Variables) -> Plan | Declined:
        start = time.perf_counter()
        try:
            plan = Compiler(self.bound, document, operation, values).plan()
        except Declined as declined:
            return Declined(declined.reason)
        self.counters.built += 1
        self.counters.build_seconds += time.perf_counter() - start
        return plan
