"""EVT-1, PER-14. Live fields: the object that a fact is about, again with each such fact, through its gate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case, to_snake_case

from engine.bind import Bound
from engine.declare import Live, LiveBatch, declare
from engine.error import NOT_FOUND, FieldRefused, told
from engine.live import Followed
from models.activity import ACTIONS, Fact
from models.context import Context
from models.decision import decide
from models.permission import Requirement, Subject
from models.viewer import Viewer
from schema.directive import Authorize
from schema.global_id import read_global_id
from schema.permission import refused
from schema.service import Service, Staff

EVERYTHING = ("",)
"""All kinds of facts."""
WHOSE = "Profile"
"""What a field follows that names a profile, or nothing, is all that this profile owns."""
KeyOf = Callable[[Fact], UUID | None]


def check_kinds(kinds: Sequence[str]) -> None:
    """Raises TypeError where no fact would ever be of one of these kinds."""
    unknown = [kind for kind in kinds if not any(code.startswith(kind) for code in ACTIONS)]
    if unknown:
        raise TypeError(f"there are no facts of the kinds {', '.join(unknown)}")


def live(
    kinds: Sequence[str],
    guard: Authorize,
    *,
    key: str | KeyOf = "subject_id",
    arguments: Mapping[str, tuple[Any, str]] | None = None,
    description: str,
) -> Any:
    """EVT-1. A field of the subscription root, woken by facts whose kinds begin with one of `kinds`.

    It shows the object of the field's type whose id is the fact's `key`. It follows what happens to the subject of its
    guard: to that object, or to all that belongs to a profile; without a subject, to what is the caller's own.
    """
    check_kinds(kinds)
    key_of: KeyOf = key if callable(key) else lambda fact: getattr(fact, key)
    return declare(
        Live(lambda context: key_of(context.fact), kinds=tuple(kinds), of=key_of),
        guard,
        description=description,
        arguments=arguments,
    )


def live_desk(
    kinds: Sequence[str],
    guard: Service | Staff,
    load: Callable[..., Any],
    *,
    key: KeyOf,
    arguments: Mapping[str, tuple[Any, str]],
    description: str,
) -> Any:
    """Section 14. A field of the staff's subscription root: facts about whatever customer wake it.

    `load` makes what is shown of the id that `key` tells of a fact, or None. Where an argument is an id, such as
    `ticket_id`, and is given, the field follows that object alone.
    """
    check_kinds(kinds)
    what = LiveBatch(lambda context: key(context.fact), load, kinds=tuple(kinds), of=key)
    return declare(what, guard, description=description, arguments=arguments)


class Concern(Protocol):
    """PER-11. What somebody follows."""

    @property
    def owner_id(self) -> UUID | None:
        """Whose facts those are; None is anybody's."""

    def touched_by(self, fact: Fact) -> bool:
        """Whether a fact is about it."""

    def check(self, viewer: Viewer) -> None:
        """Raises FieldRefused where the caller may not follow it, or not any more."""


@dataclass(frozen=True, slots=True)
class OfDesk:
    """Section 14. What somebody of the staff follows: facts about one object, or about all of its kind."""

    guard: Service | Staff
    of: KeyOf
    about: UUID | None = None
    owner_id: None = None

    def touched_by(self, fact: Fact) -> bool:
        """Whether a fact is about it."""
        return self.about in (None, self.of(fact))

    def check(self, viewer: Viewer) -> None:
        """Raises FieldRefused where the caller may not follow it, or not any more."""
        self.guard.check_viewer(viewer)


@dataclass(frozen=True, slots=True)
class OfOwner:
    """PER-11. What a customer follows: facts about one object, or about all that a profile owns."""

    requirement: Requirement
    subject: Subject[UUID]
    about: UUID | None = None

    @property
    def owner_id(self) -> UUID | None:
        """Whose facts those are."""
        return self.subject.owner_id

    def touched_by(self, fact: Fact) -> bool:
        """Whether a fact is about it."""
        return fact.owner_id == self.subject.owner_id and self.about in (None, fact.subject_id)

    def check(self, viewer: Viewer) -> None:
        """Raises FieldRefused where the caller may not follow it, or not any more."""
        if (denial := decide(viewer, self.requirement, self.subject)) is not None:
            raise refused(denial)


async def concern(bound: Bound, context: Context, asked: Followed) -> Concern:
    """PER-11, PER-12. What a live field is asked to follow; raises FieldRefused where the caller may not."""
    guard, viewer = asked.guard, context.viewer
    if isinstance(guard, Service | Staff):
        return _of_desk(context, asked, guard)
    if not isinstance(guard, Authorize):
        raise TypeError(f"{asked.coordinate} states no requirement")
    with told(asked.coordinate):
        guard.check(context, None)
        found = OfOwner(guard.requirement, Subject(viewer.profile_id))
        if guard.subject and (named := _named(context, asked, guard.subject)):
            found = await _reached(bound, context, guard, named)
        found.check(viewer)
    return found


def _of_desk(context: Context, asked: Followed, guard: Service | Staff) -> OfDesk:
    """Section 14. Whether there is such an object, whoever may follow it would see: it is not asked here."""
    with told(asked.coordinate):
        guard.check_viewer(context.viewer)
        for name, text in asked.arguments.items():
            if name.endswith("_id") and isinstance(text, str):
                found = read_global_id(text)
                if found is None or found[0] != kind_of(to_camel_case(name)):
                    raise FieldRefused(NOT_FOUND, "There is no such object.")
                return OfDesk(guard, asked.what.of, found[1])
        return OfDesk(guard, asked.what.of)


def _named(context: Context, asked: Followed, path: str) -> tuple[str, UUID | None] | None:
    """TOK-4. Type and key of what an argument names, or of what was named beside the token; None for the caller."""
    kind, text = kind_of(path), asked.arguments.get(to_snake_case(path))
    if isinstance(text, str):
        found = read_global_id(text)
        return kind, found[1] if found and found[0] == kind else None
    return (WHOSE, context.default_owner_id) if kind == WHOSE and context.default_owner_id else None


async def _reached(bound: Bound, context: Context, guard: Authorize, named: tuple[str, UUID | None]) -> OfOwner:
    kind, key = named
    entity = await bound.reach(context, kind, key) if key is not None else None
    if entity is None or entity.subject is None:
        raise FieldRefused(NOT_FOUND, "There is no such object.")
    return OfOwner(guard.requirement, entity.subject, None if kind == WHOSE else key)


def kind_of(path: str) -> str:
    """The type whose ids an argument holds: `paymentId` is one of a Payment."""
    name = path.removesuffix("Id")
    return name[:1].upper() + name[1:]
