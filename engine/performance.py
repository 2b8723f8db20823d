"""The performance of a plan for one request: breadth first, one selection after the other, all of its objects at once.

A trouble of one field never stops the others. Where it stands in the answer is found out at the end, and only where
there was one: the usual request, in which everything goes well, pays nothing for it.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, cast

from graphql import (
    GraphQLError,
    OperationDefinitionNode,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import is_iterable

from engine.bind import Bound, batches_of, type_name
from engine.error import FieldRefused
from engine.fetch import ROOT, Batched, Failure, Found, Row
from engine.leaf import coerced, unexpected_null
from engine.outcome import in_order
from engine.page import PageRequest
from engine.plan import Plan, Selection, Step
from engine.statement import Statement
from engine.trouble import Trouble, settled

Container = Any
"""A part of the answer that has places: an object or a list."""
Bucket = tuple[list[Any], list[Container], list[Any]]
"""Objects of one selection, and for each of them the container and the key under which its answer belongs."""

Refused = dict[Step, Exception]
"""The fields of an object that the caller may not have, and why."""
Denied = list[Refused | None] | None
"""That for each object of a selection; None where there is nothing at all."""


class Performance:
    """One request's run through a plan."""

    def __init__(self, bound: Bound, plan: Plan, operation: OperationDefinitionNode, values: Any, context: Any) -> None:
        self.bound = bound
        self.plan = plan
        self.operation = operation
        self.values = values
        self.context = context
        self.arguments: dict[Step, dict[str, Any]] = {}
        self._troubles: list[Trouble] = []
        self._filled: list[tuple[Selection, list[dict[str, Any]]]] = []

    @property
    def batches(self) -> Any:
        """What is remembered of the caller during this request."""
        return batches_of(self.context)

    @property
    def dialect(self) -> str:
        dialect: str = self.batches.dialect
        return dialect

    async def answer(self) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
        """The data, and the errors in the order of their places."""
        (data,) = await self._fill(self.plan.root, [ROOT], serial=self.plan.serial)
        if not self._troubles:
            return data, []
        answer, errors = settled(data, self._filled, self._troubles)
        return answer, in_order(answer, errors)

    async def rows(self, statement: Statement, keys: Sequence[Any], page: PageRequest | None = None) -> Sequence[Row]:
        """The rows of a statement for these keys; each begins with its key."""
        parameters = statement.parameters(keys, self.context.bindings, page)
        db = self.context.db
        rows: Sequence[Row] = await db.read(db.database.prepared(statement.select), parameters)
        return rows

    def loaded(self, what: Any, arguments: Any) -> dict[Any, Any]:
        """What a batch has given so far in this request, by key."""
        known: dict[Any, Any] = self.context.loads.setdefault((type(self), what, arguments), {})
        return known

    async def _fill(self, selection: Selection, sources: list[Any], *, serial: bool = False) -> list[dict[str, Any]]:
        """The answers of these objects."""
        denied = self._denied(selection, sources)
        outs = self._made(selection, sources, denied)
        self._filled.append((selection, outs))
        if serial:
            for step in selection.branches:
                denied = self._denied(selection, sources)  # What was done before may have made the caller another.
                await self._branch(step, *self._admitted(step, sources, outs, denied))
        elif selection.branches:
            await self._branches(selection, sources, outs, denied)
        return outs

    def _made(self, selection: Selection, sources: list[Any], denied: Denied) -> list[dict[str, Any]]:
        """Their leaves; branches are left null."""
        make = cast(Any, selection.make)
        try:
            given = [each(self) for each in selection.given]
            if denied is None:
                return [make(source, given) for source in sources]
        except Exception:
            refusals = denied or [None] * len(sources)
            return [self._read(selection, *each) for each in zip(sources, refusals, strict=True)]
        return [
            make(source, given) if refused is None else self._read(selection, source, refused)
            for source, refused in zip(sources, denied, strict=True)
        ]

    def _read(self, selection: Selection, source: Any, refused: Refused | None) -> dict[str, Any]:
        """The leaves of one object, one by one: whatever a leaf raises is its own trouble."""
        refused = refused or {}
        out: dict[str, Any] = {}
        for step in selection.steps:
            out[step.key] = None
            if step in selection.branches:
                continue
            try:
                if step in refused:
                    raise refused[step]
                self._place(step, step.type, cast(Any, step.read)(source, self), out, step.key, {})
            except Exception as error:
                self._failed(step, step.type, out, step.key, error)
        return out

    async def _branches(
        self, selection: Selection, sources: list[Any], outs: list[dict[str, Any]], denied: Denied
    ) -> None:
        """Statements one after the other, in one connection; what is no SQL meanwhile, all of it at once."""
        asked = {step: self._admitted(step, sources, outs, denied) for step in selection.branches}
        beside = [step for step in selection.branches if isinstance(step.fetch, Batched) and asked[step][0]]
        under_way = {step: asyncio.ensure_future(self._values(step, asked[step][0])) for step in beside[1:]}
        try:
            for step, (admitted, places) in asked.items():
                await self._branch(step, admitted, places, under_way.get(step))
        finally:
            for task in under_way.values():
                task.cancel()

    async def _branch(
        self,
        step: Step,
        sources: list[Any],
        outs: list[dict[str, Any]],
        under_way: Awaitable[Sequence[Any]] | None = None,
    ) -> None:
        """Fetch what a branch leads to, and fill it."""
        if not sources:
            return
        values = await (under_way or self._values(step, sources))
        child = step.only_child
        if child is None:
            await self._scatter(step, outs, values)
        elif is_list_type(get_nullable_type(step.type)):
            await self._lists(step, child, outs, values)
        else:
            await self._objects(step, child, outs, values)

    async def _objects(self, step: Step, child: Selection, outs: list[dict[str, Any]], values: Sequence[Any]) -> None:
        """Values that are objects of one type."""
        found, holders = [], []
        for out, value in zip(outs, values, strict=True):
            if value.__class__ is Failure:
                self._failed(step, step.type, out, step.key, value.error)
            elif value is not None:
                found.append(value)
                holders.append(out)
            elif step.required:
                self._failed(step, step.type, out, step.key, unexpected_null(step.coordinate))
        if found:
            key = step.key
            for out, answer in zip(holders, await self._fill(child, found), strict=True):
                out[key] = answer

    async def _lists(self, step: Step, child: Selection, outs: list[dict[str, Any]], values: Sequence[Any]) -> None:
        """Values that are lists of objects of one type."""
        found: list[Any] = []
        spans: list[tuple[dict[str, Any], int, int]] = []
        others: list[tuple[dict[str, Any], Any]] = []
        for out, value in zip(outs, values, strict=True):
            if value.__class__ is list and None not in value:
                spans.append((out, len(found), len(found) + len(value)))
                found.extend(value)
            else:
                others.append((out, value))
        answers = await self._fill(child, found) if found else []
        for out, start, end in spans:
            out[step.key] = answers[start:end]
        if others:
            await self._scatter(step, [out for out, _ in others], [value for _, value in others])

    async def _scatter(self, step: Step, outs: list[dict[str, Any]], values: Sequence[Any]) -> None:
        """Values of whatever kind."""
        buckets: dict[Selection, Bucket] = {}
        for out, value in zip(outs, values, strict=True):
            if value.__class__ is Found:
                _put(buckets, value.selection, value.row, out, step.key)
                continue
            try:
                if value.__class__ is Failure:
                    raise value.error
                self._place(step, step.type, value, out, step.key, buckets)
            except Exception as error:
                self._failed(step, step.type, out, step.key, error)
        for child, (found, containers, keys) in buckets.items():
            for container, key, answer in zip(containers, keys, await self._fill(child, found), strict=True):
                container[key] = answer

    async def _values(self, step: Step, sources: list[Any]) -> Sequence[Any]:
        """One for each source; a trouble of all of them is one of each."""
        if step.fetch is None:
            return [self._value(step, source) for source in sources]
        try:
            values: Sequence[Any] = await step.fetch.values(self, step, sources)
        except Exception as error:
            return [Failure(error)] * len(sources)
        return values

    def _value(self, step: Step, source: Any) -> Any:
        try:
            return cast(Any, step.read)(source, self)
        except Exception as error:
            return Failure(error)

    def _place(
        self, step: Step, kind: Any, value: Any, container: Container, key: Any, buckets: dict[Selection, Bucket]
    ) -> None:
        """Put a value where it belongs; an object is filled later, with all the others of its selection."""
        required = is_non_null_type(kind)
        inner = kind.of_type if required else kind
        if value is None:
            container[key] = None
            if required:
                raise unexpected_null(step.coordinate)
        elif is_list_type(inner):
            self._list(step, inner, value, container, key, buckets)
        elif is_leaf_type(inner):
            container[key] = coerced(inner, value)
        else:
            _put(buckets, *self._selected(step, inner, value), container, key)

    def _list(
        self, step: Step, kind: Any, value: Any, container: Container, key: Any, buckets: dict[Selection, Bucket]
    ) -> None:
        if not is_iterable(value):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{step.coordinate}'.")
        items = list(value)
        container[key] = answers = [None] * len(items)
        for index, item in enumerate(items):
            try:
                self._place(step, kind.of_type, item, answers, index, buckets)
            except Exception as error:
                self._failed(step, kind.of_type, answers, index, error)

    def _selected(self, step: Step, kind: Any, value: Any) -> tuple[Selection, Any]:
        """What is asked of an object, and the object."""
        if value.__class__ is Found:
            return value.selection, value.row
        if is_abstract_type(kind):
            return step.of_value(type_name(value)), value
        return cast(Selection, step.child), value

    def _failed(self, step: Step, kind: Any, container: Container, key: Any, error: Exception) -> None:
        container[key] = None
        self._troubles.append(Trouble(error, step, kind, container, key))

    def _admitted(
        self, step: Step, sources: list[Any], outs: list[dict[str, Any]], denied: Denied
    ) -> tuple[list[Any], list[dict[str, Any]]]:
        """Those of which the caller may have this branch."""
        if denied is None:
            return sources, outs
        passed: tuple[list[Any], list[dict[str, Any]]] = ([], [])
        for source, out, refused in zip(sources, outs, denied, strict=True):
            if refused is None or step not in refused:
                passed[0].append(source)
                passed[1].append(out)
            else:
                self._failed(step, step.type, out, step.key, refused[step])
        return passed

    def _denied(self, selection: Selection, sources: list[Any]) -> Denied:
        """What the caller may not have: decided once for all objects that belong to the same."""
        if not selection.guarded:
            return None
        verdicts: dict[tuple[Any, ...], Refused | None] = {}
        denied: list[Refused | None] = []
        for source in sources:
            values = tuple([source[place] for place in selection.subject])
            if values not in verdicts:
                verdicts[values] = self._judged(selection, values) or None
            denied.append(verdicts[values])
        return denied if any(verdicts.values()) else None

    def _judged(self, selection: Selection, values: tuple[Any, ...]) -> Refused:
        about = selection.shape.source.about if selection.shape.source else tuple
        subject = about(*values) if values else None
        refused: Refused = {}
        passed: set[int] = set()
        for step in selection.guarded:
            guard = cast(Any, step.declared.guard)
            if id(guard) in passed:
                continue
            try:
                guard.check(self.context, subject)
                passed.add(id(guard))
            except Exception as error:
                if isinstance(error, FieldRefused):
                    error.concerns(step.coordinate)
                refused[step] = self._misfit(step) or error
        return refused

    def _misfit(self, step: Step) -> Exception | None:
        """What does not fit of a field's arguments: that is told before anybody asks who may have it."""
        try:
            get_argument_values(step.graphql_field, step.nodes[0], self.values, None, True)
        except GraphQLError as error:
            return error
        return None


def _put(buckets: dict[Selection, Bucket], selection: Selection, source: Any, container: Container, key: Any) -> None:
    """An object to be filled with all others of its selection."""
    if (bucket := buckets.get(selection)) is None:
        bucket = buckets[selection] = ([], [], [])
    bucket[0].append(source)
    bucket[1].append(container)
    bucket[2].append(key)
