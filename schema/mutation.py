"""The frame of every mutation: what it returns, and what happens around a command.

Guard, subject, one transaction inside the command, refusals as data in the reader's language, and a defect where a
command succeeded without stating what happened.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self, TypeVar, cast
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_snake_case

from engine.bind import bound_of
from engine.declare import One, WholeGraph, declare
from models.context import Context
from models.db import NothingRecorded
from models.decision import Denial, decide, decide_change
from models.permission import DenialReason, Requirement, Subject
from models.profile import EmailNotVerified, ProfileSuspended
from models.refusal import Code, NotFound, Refusal
from models.staff import checked_reason
from models.viewer import Viewer
from schema.directive import SEMANTIC_NON_NULL, Authorize, Cost, Fails, Public
from schema.error import UserError, user_error
from schema.global_id import global_id, read_global_id
from schema.permission import refused

if TYPE_CHECKING:
    from schema.root import Query

Info = strawberry.Info[Context, Any]
P = TypeVar("P", bound="Payload")
STANDING: dict[DenialReason, type[Refusal]] = {
    DenialReason.EMAIL_NOT_VERIFIED: EmailNotVerified,
    DenialReason.PROFILE_SUSPENDED: ProfileSuspended,
}
"""The denials that a mutation may answer as business errors."""
Act = Callable[[Any, Info, Any], Awaitable[P | None]]


class Payload:
    """A success or a failure; each schema has the interface of its own that all its payloads implement."""

    @classmethod
    def of(cls, **results: Any) -> Self:
        """A success; a result that is an object is given by its key, and fetched through its gate."""
        absent = {field.name: None for field in fields(cast(Any, cls))}
        return cls(**{**absent, "user_errors": [], **results})

    @classmethod
    def refused(cls, error: UserError) -> Self:
        """A failure; nothing was changed."""
        return cls.of(user_errors=[error])


@strawberry.interface(description="What every mutation returns.")
class MutationPayload(Payload):
    user_errors: list[UserError] = strawberry.field(
        description="Business errors; empty on success. When not empty, nothing was changed."
    )
    query: Annotated["Query", strawberry.lazy("schema.root")] | None = declare(
        WholeGraph(), description="The whole graph after the mutation, to refetch anything else in the same round trip."
    )


def refetched(key: str, description: str, *, kind: str | None = None) -> Any:
    """A result that is an object, held by a payload as its key; `kind` names its type where the field's is abstract."""
    return declare(One(key, kind=kind), description=description)


class Asked(Protocol):
    """What a mutation asks of the caller: a guard, with a requirement on a subject where it has one."""

    @property
    def subject(self) -> str | None: ...

    @property
    def requirement(self) -> Requirement | None: ...


def mutation(
    payload: type[P],
    guard: Asked,
    *,
    description: str,
    fails: Sequence[Code] = (),
    cost: int | None = None,
    quiet: bool = False,
    unverified: bool = False,
    suspended: bool = False,
) -> Callable[[Act[P]], Any]:
    """A mutation field. `fails` are the codes it can answer beyond the generic ones.

    An `unverified` one may be called before the caller's address is confirmed, a `suspended` one while they or whoever
    it concerns are suspended. A `quiet` one may state nothing: that something was stated would tell what nobody is to
    know, or the same was stated before.
    """
    everybody = isinstance(guard, Public)
    permitted = {"unverified": unverified or everybody, "suspended": suspended or everybody}

    def made(act: Act[P]) -> Any:
        @wraps(act)
        async def framed(self: Any, info: Info, input: Any) -> P | None:
            context = info.context
            recorded = context.db.recorded
            context.loads.clear()
            context.repeats = False
            context.requirement = guard.requirement or Requirement()
            try:
                _check_standing(context.viewer, await _owner(info, guard, input), permitted, fails)
                _take_reason(context, input)
                answer = await act(self, info, input)
            except Refusal as refusal:
                return payload.refused(user_error(refusal, context.locale))
            if context.db.recorded == recorded and not (quiet or context.repeats):
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


def _take_reason(context: Context, input: Any) -> None:
    """Section 14. Whoever of the staff acts says why: in `why` where `reason` says something else, else in `reason`."""
    if not context.viewer.roles:
        return
    name = "why" if hasattr(input, "why") else "reason"
    reason = checked_reason(getattr(input, name, None), name)
    context.db.author = replace(context.db.author, reason=reason)


def _fill(context: Context, input: Any) -> None:
    """TOK-4. What an input leaves out is what was named beside the token."""
    owner, account = context.default_owner_id, context.default_account_id
    meant = {"owner_id": ("Profile", owner), "profile_id": ("Profile", owner), "account_id": ("Account", account)}
    for name, (kind, key) in meant.items():
        if key is not None and getattr(input, name, "") in (None, strawberry.UNSET):
            setattr(input, name, global_id(kind, key))


async def _owner(info: Info, guard: Asked, input: Any) -> UUID | None:
    """PER-12. Whose the object is that an input names, once the requirement was asked on it; else the caller.

    The object is reached through its gate; the path to it may go on to one of its parties: `input.grantId.grantee`.
    """
    viewer = info.context.viewer
    if viewer.read_only:
        raise refused(Denial(DenialReason.TOKEN_SCOPE))
    _fill(info.context, input)
    if not isinstance(guard, Authorize):
        return viewer.own_id
    subject = await _first(info, guard, input) or Subject(viewer.profile_id)
    if guard.kind:
        subject = replace(subject, kind=getattr(input, guard.kind))
    if (denial := decide(viewer, guard.requirement, subject)) is not None:
        raise refused(denial)
    return subject.owner_id


async def _first(info: Info, guard: Authorize, input: Any) -> Subject[UUID] | None:
    """What the first path that is given leads to; of several, what is made is about that alone."""
    for path in guard.paths:
        subject = await _subject(info, path, input)
        if subject is not None:
            alone = guard.subjects and subject.account_id is not None
            return replace(subject, server_id=None) if alone else subject
    return None


async def _subject(info: Info, path: str, input: Any) -> Subject[UUID] | None:
    """What the path leads to, as far as the caller may know of it; None where the input leaves it out."""
    _, name, *party = path.split(".")
    value = getattr(input, to_snake_case(name))
    if value is None or value is strawberry.UNSET:
        return None
    found = read_global_id(value)
    entity = await bound_of(info).reach(info.context, *found) if found else None
    if entity is None or entity.subject is None:
        raise NotFound().at(name)
    subject: Subject[UUID] = entity.subject
    key = entity.value(f"{party[0]}_id") if party else subject.owner_id
    return subject if key == subject.owner_id else Subject(key)


def _check_standing(
    viewer: Viewer, owner_id: UUID | None, permitted: Mapping[str, bool], fails: Sequence[Code]
) -> None:
    """PRO-1, PRO-12. Whether anything may be changed now; a business error where the mutation says that it has it."""
    denial = decide_change(viewer, owner_id=owner_id, **permitted)
    if denial is None:
        return
    standing = STANDING.get(denial.reason)
    if standing is not None and standing.code in fails:
        raise standing
    raise refused(denial)


def given(input: Any) -> dict[str, Any]:
    """What an input names, null included; what it leaves out is not there."""
    return {
        field.name: getattr(input, field.name)
        for field in fields(input)
        if getattr(input, field.name) is not strawberry.UNSET
    }
