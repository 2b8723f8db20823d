"""The frame of every mutation: what it returns, and what happens around a command.

Guard, subject, one transaction inside the command, refusals as data in the reader's language, and a defect where a
command succeeded without stating what happened.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import strawberry
from strawberry.utils.str_converters import to_snake_case

from engine.bind import bound_of
from engine.declare import One, WholeGraph, declare
from models.context import Context
from models.db import NothingRecorded
from models.permission import Requirement, Subject, decide, decide_change
from models.refusal import Code, NotFound, Refusal
from schema.directive import SEMANTIC_NON_NULL, Authorize, Cost, Fails, Public
from schema.error import UserError, user_error
from schema.node import read_global_id
from schema.permission import refused

if TYPE_CHECKING:
    from schema.root import Query

Info = strawberry.Info[Context, Any]
P = TypeVar("P", bound="MutationPayload")
Act = Callable[[Any, Info, Any], Awaitable[P | None]]


@strawberry.interface(description="What every mutation returns.")
class MutationPayload:
    user_errors: list[UserError] = strawberry.field(
        description="Business errors; empty on success. When not empty, nothing was changed."
    )
    query: Annotated["Query", strawberry.lazy("schema.root")] | None = declare(
        WholeGraph(), description="The whole graph after the mutation, to refetch anything else in the same round trip."
    )

    @classmethod
    def of(cls, **results: Any) -> Self:
        """A success; a result that is an object is given by its key, and fetched through its gate."""
        absent = {field.name: None for field in fields(cls)}
        return cls(**{**absent, "user_errors": [], **results})

    @classmethod
    def refused(cls, error: UserError) -> Self:
        """A failure; nothing was changed."""
        return cls.of(user_errors=[error])


def refetched(key: str, description: str) -> Any:
    """A result that is an object, held by a payload as its key."""
    return declare(One(key), description=description)


def mutation(
    payload: type[P],
    guard: Authorize | Public,
    *,
    description: str,
    fails: Sequence[Code] = (),
    cost: int | None = None,
    quiet: bool = False,
    unverified: bool = False,
) -> Callable[[Act[P]], Any]:
    """A mutation field. `fails` are the codes it can answer beyond the generic ones.

    An `unverified` one may be called before the caller's address is confirmed. A `quiet` one may state nothing: that
    something was stated would tell what nobody is to know.
    """

    def made(act: Act[P]) -> Any:
        @wraps(act)
        async def framed(self: Any, info: Info, input: Any) -> P | None:
            context = info.context
            if (
                denial := decide_change(context.viewer, unverified=unverified or isinstance(guard, Public))
            ) is not None:
                raise refused(denial)
            recorded = context.db.recorded
            context.loads.clear()
            context.requirement = guard.requirement or Requirement()
            try:
                if guard.subject:
                    await _check_subject(info, guard, input)
                answer = await act(self, info, input)
            except Refusal as refusal:
                return payload.refused(user_error(refusal, context.locale))
            if context.db.recorded == recorded and not quiet:
                raise NothingRecorded(f"{act.__name__} succeeded and stated nothing")
            context.loads.clear()
            return answer

        marks = [Fails(codes=list(fails))] if fails else []
        weight = [Cost(weight=cost)] if cost is not None else []
        field = strawberry.mutation(
            framed, description=description, directives=[guard, *marks, *weight, SEMANTIC_NON_NULL]
        )
        for argument in field.arguments:
            argument.description = "Arguments."
        return field

    return made


async def _check_subject(info: Info, guard: Authorize, input: Any) -> None:
    """PER-12. The object an input names is reached through its gate; then the requirement is asked of its owner."""
    _, *path = (guard.subject or "").split(".")
    value = input
    for name in path:
        value = getattr(value, to_snake_case(name))
    if value is None or value is strawberry.UNSET:
        return
    found = read_global_id(value)
    entity = await bound_of(info).reach(info.context, *found) if found else None
    if entity is None or not entity.subject:
        raise NotFound().at(*path)
    denial = decide(info.context.viewer, guard.requirement, Subject(*entity.subject))
    if denial is not None:
        raise refused(denial)


def given(input: Any) -> dict[str, Any]:
    """What an input names, null included; what it leaves out is not there."""
    return {
        field.name: getattr(input, field.name)
        for field in fields(input)
        if getattr(input, field.name) is not strawberry.UNSET
    }
