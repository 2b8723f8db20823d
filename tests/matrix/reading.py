"""What came back, cell by cell, beside what the oracle expects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.api import Answer
from tests.matrix import table
from tests.matrix.disputed import disputed
from tests.matrix.document import PAGE
from tests.matrix.expected import Caller, Outcome, Target, expected_read, helping, sees, stands_for
from tests.matrix.relation import Known, known, leads_to

NATURALLY_NULL = {
    ("Account.server", Target.OWN),
    ("Account.plan", Target.OWN_ON_SERVER),
    ("Account.subscription", Target.OWN_ON_SERVER),
    ("Account.scheduledMigration", Target.OWN_ON_SERVER),
    ("Account.pendingTransfer", Target.OWN_ON_SERVER),
    ("Server.subscription", Target.OWN),
}
"""What is not there, whoever asks."""
QUOTES = {
    *("Profile.accountOpenQuote", "Profile.invoicingDayQuote", "Account.planChangeQuote"),
    "Server.urgentTicketQuote",
    *("Account.transferQuote", "Server.transferQuote"),
}
NEVER_NULL = table.LEADS_TO.keys() | QUOTES | {"ServiceSubscription.item"}
"""What is there, unless it is hidden or something of it is refused."""
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Cell:
    """One caller, one field or mutation, one object."""

    caller: str
    name: str
    target: str
    expected: str
    got: str

    @property
    def is_wrong(self) -> bool:
        return self.expected != self.got

    def __str__(self) -> str:
        return f"{self.caller:<28} {self.name:<34} {self.target:<30} {self.expected:<30} {self.got}"


def told(cells: list[Cell]) -> str:
    """The wrong cells as a table; nothing where there is none."""
    wrong = [str(cell) for cell in cells if cell.is_wrong]
    head = str(Cell("caller", "coordinate", "object", "expected", "got"))
    return "\n".join(["", f"{len(wrong)} of {len(cells)} cells are wrong:", head, *wrong]) if wrong else ""


def outcome_of(error: Mapping[str, Any]) -> str:
    """The outcome that a top-level error stands for; as it is, where it is none of ours."""
    extensions = error["extensions"]
    code, reason = extensions["code"], extensions.get("reason")
    return f"{code}:{reason}" if code == "FORBIDDEN" else str(code)


UNNAMED = {"Transfer.senderRefund", "Transfer.recipientQuote"}
"""Fields whose refusal does not say whose they are: the parties may not know each other any more."""


@dataclass
class Reading:
    """One answer to one caller."""

    caller: Caller
    answer: Answer
    world: Any

    @cached_property
    def errors(self) -> dict[Path, dict[str, Any]]:
        return {tuple(error.get("path", ())): error for error in self.answer.errors}

    @cached_property
    def known(self) -> dict[str, Known]:
        return known(self.world, self.caller)

    @property
    def data(self) -> Any:
        return self.answer.body.get("data") or {}

    @property
    def whole_request(self) -> str | None:
        """The outcome of all of it, where nothing was executed."""
        return outcome_of(self.answer.errors[0]) if "data" not in self.answer.body else None

    def object(self, kind: str, target: Target, value: Any, path: Path, looker: Caller | None = None) -> Iterator[Cell]:
        """Every field of an object of one type, at this path."""
        fields = [name.partition(".")[2] for name in table.FIELDS if name.startswith(f"{kind}.")]
        for field in fields:
            if value is not None and field not in value:
                continue  # Not in the schema yet.
            at = (*path, field)
            cell = self.field(f"{kind}.{field}", target, value, at, looker)
            yield cell
            if not cell.is_wrong and value is not None and (error := self.errors.get(at)):
                owner = value["id"] if kind == "Profile" else self.world.id(self.caller, "Profile", target)
                owner = "" if f"{kind}.{field}" in UNNAMED else owner
                yield content(self.caller, f"{kind}.{field}", target, error["extensions"], owner)

    def field(self, coordinate: str, target: Target, value: Any, path: Path, looker: Caller | None = None) -> Cell:
        """One field of an object, which is at the path but for its end."""
        expected = expected_read(looker or self.caller, coordinate, target)
        return self._cell(coordinate, target, expected, self._got(coordinate, target, value, path))

    def seen(self, kind: str, target: Target, value: Any) -> Cell:
        """Whether an object is there, by `nodes`."""
        expected, got = ("seen" if each else "null" for each in (sees(self.caller, kind, target), value is not None))
        return self._cell(f"{kind} (nodes)", target, expected, got)

    def present(self, coordinate: str, value: Any) -> Cell:
        """Whether there is what stands for the caller."""
        expected, got = (
            "there" if each else "null" for each in (stands_for(self.caller, coordinate), value is not None)
        )
        return self._cell(f"{coordinate} (null)", Target.OWN, expected, got)

    def _got(self, coordinate: str, target: Target, value: Any, path: Path) -> str:
        if self.whole_request:
            return self.whole_request
        if (error := self.errors.get(path)) is not None:
            return outcome_of(error)
        if value is None:
            return next(
                (outcome_of(self.errors[at]) for at in self.errors if at[: len(path) - 1] == path[:-1]), "NOT_FOUND"
            )
        is_hidden = coordinate in NEVER_NULL and value[path[-1]] is None
        return "NOT_FOUND" if is_hidden and (coordinate, target) not in NATURALLY_NULL else "VALUE"

    def _above(self, path: Path) -> str:
        """Why there is no object at all."""
        causes = [error for at, error in self.errors.items() if at[: len(path) - 1] == path[:-1]]
        return outcome_of(causes[0]) if causes else "NOT_FOUND"

    def _cell(self, name: str, target: Target, expected: str, got: str) -> Cell:
        return Cell(self.caller.name, name, target, disputed(self.caller, name, target, expected), got)

    def below(self, kind: str, target: Target, value: Mapping[str, Any], path: Path) -> Iterator[Cell]:
        """What an object leads to: which of it there is, and every field of that."""
        for field, inner in value.items():
            coordinate = f"{kind}.{field}"
            if self.errors.get((*path, field)) or expected_read(self.caller, coordinate, target) is not Outcome.VALUE:
                continue  # A cell of `object` already.
            found = list(nodes(inner, (*path, field)))
            yield from self._complete(coordinate, target, inner, {each["id"] for each, _ in found})
            for each, at in found:
                yield from self.met(coordinate, each, at)

    def _complete(self, coordinate: str, target: Target, inner: Any, found: set[str]) -> Iterator[Cell]:
        """Whether a field leads to all that the caller may see of it, and counts as many."""
        wanted = leads_to(self.world, self.caller, coordinate, target)
        if wanted is None:
            return
        seen = {key for key in wanted if self._is_seen(key)}
        count = inner.get("totalCount") if isinstance(inner, dict) else None
        size = len(found) if count is None else count
        missing = len(seen - found) if len(seen) <= PAGE else 0
        yield self._cell(f"{coordinate} (all)", target, f"{len(seen)}, 0 missing", f"{size}, {missing} missing")

    def _is_seen(self, key: str) -> bool:
        each = self.known[key]
        return sees(each.looker, each.kind, each.target)

    def met(self, coordinate: str, value: Mapping[str, Any], path: Path) -> Iterator[Cell]:
        each = self.known.get(value["id"])
        if each is None or not self._is_seen(value["id"]):
            got = f"{each.kind} {each.target}" if each else "an object of somebody else"
            yield Cell(self.caller.name, coordinate, "", "nothing that is not seen", got)
        elif len(value) > 2:
            yield from self.object(each.kind, each.target, value, path, each.looker)


def content(caller: Caller, name: str, target: Target, extensions: Mapping[str, Any], owner: str) -> Cell:
    """PER-12. What stands beside the code of a refusal, exactly."""
    code, reason = extensions["code"], extensions.get("reason")
    expected = {"code": code}
    if code in ("FORBIDDEN", "TWO_FACTOR_REQUIRED"):
        expected |= {"reason": reason if code == "FORBIDDEN" else code, "coordinate": name}
    if owner and reason in ("PERMISSION_MISSING", "OWNER_ONLY"):
        expected["owner"] = owner
    got = dict(extensions)
    if reason == "PERMISSION_MISSING" and got.get("missing") in helping(name.removeprefix("Mutation.")):
        del got["missing"]  # One of those that would help.
    return Cell(caller.name, f"{name} (error)", target, str(sorted(expected.items())), str(sorted(got.items())))


def nodes(value: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """Every node in a part of an answer, with its place."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from nodes(each, (*path, index))
    elif isinstance(value, dict):
        if "id" in value:
            yield value, path
            return
        for name, each in value.items():
            yield from nodes(each, (*path, name))
