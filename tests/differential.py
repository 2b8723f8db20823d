"""Two executors beside each other: the same document, variables and caller, and whether they answer the same.

Equal are `data` to the order of its keys, and every error with its path, locations and extensions. Of several errors
below one place that was nulled by propagation each executor tells one, and it is open which.
"""

import traceback
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import orjson
from starlette.requests import Request as HttpRequest

from app.host import BUSY, SILENT, Call, Host
from engine.bind import Bound
from engine.document import Documents
from engine.endpoint import chosen
from engine.error import UNAVAILABLE, RequestRefused
from engine.execute import run
from engine.executor import Executor
from engine.operation import Document, Execution, Operation
from models.conflict import Busy
from models.infrastructure import InfrastructureSilent
from schema.message import speaker
from tests.dealings import Caller
from tests.scope import Request

TOLD: Mapping[type[BaseException], tuple[str, str]] = {
    Busy: (UNAVAILABLE, BUSY),
    InfrastructureSilent: (UNAVAILABLE, SILENT),
}
SAME_REQUEST = "the-same-request"
Path = tuple[str | int, ...]


class Runs(Protocol):
    """An executor over one schema."""

    def __call__(
        self,
        document: Document,
        operation: Operation,
        variables: dict[str, Any],
        context: Any,
        *,
        translate: Any,
        told: Any,
    ) -> Awaitable[Execution]: ...


@dataclass(frozen=True)
class Tried:
    """An executor, and why it left operations to graphql-core."""

    execute: Runs
    fallbacks: Counter[str] = field(default_factory=Counter)


class Makes(Protocol):
    """Makes an executor of a schema."""

    def __call__(self, bound: Bound) -> Tried: ...


def on_graphql_core(bound: Bound) -> Tried:
    """The executor that is right by definition."""
    return Tried(partial(run, bound.graphql))


def planned(bound: Bound) -> Tried:
    """The executor under test."""
    executor = Executor(bound, entries=1_000, size_bytes=2**26)
    return Tried(executor.execute, executor.counters.fallbacks)


@dataclass(frozen=True)
class Answer:
    """What an executor answered, or how it refused."""

    data: Any = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    refusal: dict[str, Any] | None = None

    def __str__(self) -> str:
        parts = {"refusal": self.refusal} if self.refusal else {"errors": self.errors, "data": self.data}
        return orjson.dumps(parts, option=orjson.OPT_INDENT_2, default=repr).decode()


@dataclass(frozen=True)
class Question:
    """What is asked, and by whom."""

    caller: Caller
    request: Request

    def __str__(self) -> str:
        """As a test would have it, to be pasted."""
        return (
            f"CALLER = {self.caller.name!r}\nOPERATION = {self.request.operation_name!r}\n"
            f'VARIABLES = {self.request.variables!r}\nDOCUMENT = """\n{self.request.text}\n"""'
        )


@dataclass
class Asker:
    """Asks both executors; what they are told is looked up in one world."""

    bound: Bound
    host: Host
    documents: Documents

    def prepared(self, request: Request) -> tuple[Document, Operation] | None:
        """None where the document is refused before anybody executes it."""
        try:
            document = self.documents.prepare(request.text)
            return document, chosen(document, request.operation_name)
        except RequestRefused:
            return None

    async def answer(self, tried: Tried, question: Question) -> Answer:
        """What one executor answers."""
        prepared = self.prepared(question.request)
        assert prepared is not None, question.request.text
        try:
            async with self.host.admit(http_request(question.caller)) as call:
                return await answered(tried.execute, *prepared, question.request.variables, call)
        except RequestRefused as refused:  # Nobody is admitted whose session is over.
            return Answer(refusal={"status": refused.status, "code": refused.code})


def http_request(caller: Caller) -> HttpRequest:
    """What the caller sends, as far as it says who they are."""
    headers = [(b"authorization", f"Bearer {caller.token}".encode())] if caller.token else []
    return HttpRequest(
        {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "headers": headers,
            "client": ("127.0.0.1", 4000),
            "state": {"request_id": SAME_REQUEST, "extensions": {}},
        }
    )


async def answered(
    runs: Runs, document: Document, operation: Operation, variables: Mapping[str, Any], call: Call
) -> Answer:
    """The answer of one operation in a context of its own."""
    try:
        given: Any = orjson.loads(orjson.dumps(variables))
        execution = await runs(document, operation, given, call, translate=speaker(call.locale), told=TOLD)
    except RequestRefused as refused:
        errors = refused.formatted(speaker(call.locale))
        return Answer(refusal={"status": refused.status, "code": refused.code, "errors": errors})
    except Exception as error:
        return Answer(refusal={"raised": repr(error), "where": traceback.format_exception(error)[-3:]})
    return Answer(execution.data, execution.errors)


# What is equal


def disagreement(one: Answer, other: Answer) -> str | None:
    """What differs, in a few words; None where nothing does."""
    if one.refusal != other.refusal:
        return "refusals"
    if written(one.data) != written(other.data):
        return f"data at {'.'.join(map(str, difference(one.data, other.data)))}"
    for answer in (one, other):
        if faults := list(unfounded(answer)):
            return f"errors without a null: {faults}"
        if answer.errors != [errors[0] for errors in told_at(answer).values()]:
            return "errors that are not in the order of their places, or several of one place"
    mine, its = told_at(one), told_at(other)
    if list(mine) != list(its):
        return f"places of errors: {[*mine]} and {[*its]}"
    differing = [place for place in mine if not same_errors(place, mine[place], its[place])]
    return f"errors at {differing}" if differing else None


def written(data: Any) -> bytes:
    """JSON tells 1 from 1.0 and true, and the order of keys."""
    return orjson.dumps(data, default=lambda value: f"<{type(value).__name__}>")


def difference(one: Any, other: Any) -> Path:
    """The way to the first value that differs."""
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        ways: Iterator[tuple[str | int, Any, Any]] = ((key, one[key], other[key]) for key in one)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        ways = ((index, *pair) for index, pair in enumerate(zip(one, other, strict=True)))
    else:
        return ()
    return next(((key, *difference(*pair)) for key, *pair in ways if written(pair[0]) != written(pair[1])), ())


def place_of(data: Any, path: Path) -> tuple[Path, tuple[int, ...]]:
    """The place that was nulled by an error at this path, and where it stands in the answer."""
    order: list[int] = []
    for number, key in enumerate(path):
        if data is None:
            return path[:number], tuple(order)
        order.append(list(data).index(key) if isinstance(data, dict) else int(key))
        data = data[key]
    return path, tuple(order)


def told_at(answer: Answer) -> dict[Path, list[dict[str, Any]]]:
    """The errors by the places that they nulled, in the order of the answer."""
    found: dict[tuple[tuple[int, ...], Path], list[dict[str, Any]]] = {}
    for error in answer.errors:
        place, order = place_of(answer.data, tuple(error.get("path", ())))
        found.setdefault((order, place), []).append(error)
    return {place: found[order, place] for order, place in sorted(found, key=lambda each: each[0])}


def same_errors(place: Path, mine: list[dict[str, Any]], its: list[dict[str, Any]]) -> bool:
    """Of one place: equal where the field itself failed, else it is enough that somebody tells."""
    own = [[error for error in errors if tuple(error.get("path", ())) == place] for errors in (mine, its)]
    return own[0] == own[1] if any(own) else bool(mine) == bool(its)


def unfounded(answer: Answer) -> Iterator[Path]:
    """The paths of errors where the answer is not null."""
    for error in answer.errors:
        data, path = answer.data, tuple(error.get("path", ()))
        try:
            for key in path:
                data = data[key] if data is not None else None
        except (LookupError, TypeError):
            yield path
        else:
            if data is not None:
                yield path


def is_below_its_place(answer: Answer, error: dict[str, Any]) -> bool:
    """Whether an error has nulled more than the field that it is about."""
    path = tuple(error.get("path", ()))
    return place_of(answer.data, path)[0] != path
