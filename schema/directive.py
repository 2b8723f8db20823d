"""The directives of the contract. The object that is printed beside a field is the one that enforces it.

`Authorize` and `Public` are what the engine calls guards and gates. A root field, a type or a field carries at most
one of them; what carries none is closed or open as schema/gate.py says.
"""

from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

import strawberry
from graphql import GraphQLField, GraphQLNonNull, Undefined
from sqlalchemy import ColumnElement, true
from strawberry.schema_directive import Location
from strawberry.utils.str_converters import to_camel_case

from engine.shape import definition
from models.context import Context
from models.decision import decide, decide_session
from models.permission import AccountPermission, OverallPermission, Requirement, ServerPermission, Subject
from models.refusal import Code
from models.visible import visible
from schema.permission import refused


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description="The field may be resolved, or the type reached, without a session.",
)
class Public:
    """Anybody."""

    def __str__(self) -> str:
        return "@public"

    subject: ClassVar[None] = None
    requirement: ClassVar[None] = None

    def check(self, context: Context, subject: Subject[UUID] | None) -> None:
        """Nothing to ask."""

    def admits(self, context: Context) -> bool:
        return True

    def rows(self, subject: Subject[ColumnElement[Any]] | None) -> ColumnElement[bool]:
        return true()


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    description=(
        "Who passes: the owner of the subject, always; else whoever holds one of the listed permissions through a "
        "PermissionGrant. On a field, failing gives null and a FORBIDDEN error. On a type it is an object gate: `node` "
        "and any other path answer null as if the object did not exist; the subject is then the profile, account or "
        "server the object belongs to. Every Node type has a gate, so that no path can walk around a field's rule. "
        "TECHNICAL_ACCOUNT stands for all account permissions on all accounts, TECHNICAL_SERVER for all server "
        "permissions on all servers. A grant flagged `requiresTwoFactor` counts only in a session that passed "
        "two-factor authentication; otherwise the error code is TWO_FACTOR_REQUIRED."
    ),
)
class Authorize:
    """A requirement, as it is printed; made by `authorize`, which leaves out what is not asked."""

    subject: str | None = strawberry.directive_field(name="subject", default=strawberry.UNSET)
    subjects: list[str] | None = strawberry.directive_field(name="subjects", default=strawberry.UNSET)
    parties: list[str] | None = strawberry.directive_field(name="parties", default=strawberry.UNSET)
    rule: str | None = strawberry.directive_field(name="rule", default=strawberry.UNSET)
    overall: list[OverallPermission] | None = strawberry.directive_field(name="overall", default=strawberry.UNSET)
    account: list[AccountPermission] | None = strawberry.directive_field(name="account", default=strawberry.UNSET)
    server: list[ServerPermission] | None = strawberry.directive_field(name="server", default=strawberry.UNSET)
    two_factor: bool | None = strawberry.directive_field(name="twoFactor", default=strawberry.UNSET)
    related: bool | None = strawberry.directive_field(name="related", default=strawberry.UNSET)
    interactive: bool | None = strawberry.directive_field(name="interactive", default=strawberry.UNSET)
    resolves: strawberry.Private[tuple[str, ...]] = ()
    """Ids of the input that the command itself looks for, and answers NOT_FOUND where the caller may not know them."""
    party: strawberry.Private[int | None] = None
    """Of a field whose subject is one of the parties of its object: which of them. A denial does not name them: the
    parties may not know each other any more.
    """
    itself: strawberry.Private[bool] = False
    """The field asks it by itself, of the owner that its object names: for what is made, and is no row."""
    kind: strawberry.Private[str] = ""
    """TIC-2. The field of the input that says what kind of object is made, which its rule asks for."""

    def __str__(self) -> str:
        """As it is printed in the schema."""
        asked = {name: getattr(self, name) for name in ("parties", "overall", "account", "server")}
        lists = [f"{name}: [{', '.join(values)}]" for name, values in asked.items() if values]
        flags = [f"{name}: true" for name in ("two_factor", "related", "interactive") if getattr(self, name) is True]
        flags += [f'rule: "{self.rule}"'] if self.rule else []
        return f"@authorize({', '.join([*lists, *map(to_camel_case, flags)])})" if lists or flags else "@authorize"

    @cached_property
    def requirement(self) -> Requirement:
        """What the permission model is asked."""
        return Requirement(
            overall=tuple(self.overall or ()),
            account=tuple(self.account or ()),
            server=tuple(self.server or ()),
            parties=tuple(self.parties or ()),
            two_factor=bool(self.two_factor),
            related=bool(self.related),
            interactive=bool(self.interactive),
            rule=self.rule or None,
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """Where its subject is named: the first that is given."""
        return tuple(self.subjects or ()) or ((self.subject,) if self.subject else ())

    def check(self, context: Context, subject: Subject[UUID] | None) -> None:
        """Raises the coded error of what is missing."""
        viewer, requirement = context.viewer, self.requirement
        if subject is not None and self.party is not None:
            subject = _of_party(subject, subject.parties[self.party])
        denial = decide(viewer, requirement, subject) if subject else decide_session(viewer, requirement)
        if denial is not None:
            raise refused(denial if self.party is None else replace(denial, owner_id=None))

    def admits(self, context: Context) -> bool:
        return decide_session(context.viewer, self.requirement) is None

    def rows(self, subject: Subject[ColumnElement[Any]] | None) -> ColumnElement[bool]:
        return visible(self.requirement, subject)


def _of_party(subject: Subject[UUID], key: UUID) -> Subject[UUID]:
    """What is asked about where one of the parties of an object is meant, who may be its owner."""
    return subject if key == subject.owner_id else Subject(key)


def authorize(
    *,
    subject: str | None = None,
    subjects: list[str] | None = None,
    parties: list[str] | None = None,
    rule: str | None = None,
    overall: list[OverallPermission] | None = None,
    account: list[AccountPermission] | None = None,
    server: list[ServerPermission] | None = None,
    two_factor: bool = False,
    related: bool = False,
    interactive: bool = False,
    resolves: tuple[str, ...] = (),
    party: int | None = None,
    itself: bool = False,
    kind: str = "",
) -> Authorize:
    """`@authorize` with these arguments; without any, the owner alone. Those from `resolves` on are not printed."""
    return Authorize(
        subject=subject or strawberry.UNSET,
        subjects=subjects or strawberry.UNSET,
        rule=rule or strawberry.UNSET,
        parties=parties or strawberry.UNSET,
        overall=overall or strawberry.UNSET,
        account=account or strawberry.UNSET,
        server=server or strawberry.UNSET,
        two_factor=two_factor or strawberry.UNSET,
        related=related or strawberry.UNSET,
        interactive=interactive or strawberry.UNSET,
        resolves=resolves,
        party=party,
        itself=itself,
        kind=kind,
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description=(
        "The field is null only when `errors` holds an entry for its path. Levels address list depth, 0 being the "
        "field itself."
    ),
)
class SemanticNonNull:
    """Null means error."""

    levels: list[int] | None = strawberry.directive_field(name="levels", default=strawberry.UNSET)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description=(
        "Business error codes this mutation can return beyond the generic ones (REQUIRED, INVALID, NOT_FOUND, "
        "CONFLICT, TOO_MANY_ATTEMPTS, IDEMPOTENCY_*)."
    ),
)
class Fails:
    """The specific failures of a mutation."""

    codes: list[Code] = strawberry.directive_field(name="codes")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description=(
        "Static cost of a field when it differs from the default (object 1, scalar 0, connection: page size times "
        "its nodes)."
    ),
)
class Cost:
    """Points of a field."""

    weight: int = strawberry.directive_field(name="weight")


PUBLIC = Public()
SEMANTIC_NON_NULL = SemanticNonNull()


def weight_of(field: GraphQLField) -> int | None:
    """The points that `@cost` gives a field; None where it has the usual ones."""
    found = definition(field)
    weights = [mark.weight for mark in found.directives if isinstance(mark, Cost)] if found else []
    return weights[0] if weights else None


ARGUMENTS: dict[tuple[type, str], tuple[str, Any]] = {
    (Authorize, "subject"): (
        "Dotted path to the subject: from the arguments on root fields (an id stands for its object), else from the "
        "parent.",
        Undefined,
    ),
    (Authorize, "subjects"): ("Several paths: the first that is given is the subject.", Undefined),
    (Authorize, "rule"): (
        "Id of a rule that narrows this further by the object's own kind or category, e.g. TIC-2.",
        Undefined,
    ),
    (Authorize, "parties"): ("Paths to profiles that pass besides the owner.", Undefined),
    (Authorize, "overall"): ("Profile-wide permissions that suffice.", Undefined),
    (Authorize, "account"): ("Permissions on the account concerned that suffice.", Undefined),
    (Authorize, "server"): ("Permissions on the server concerned that suffice.", Undefined),
    (Authorize, "twoFactor"): (
        "The subject's profile must have two-factor authentication enabled and the session must have passed it.",
        False,
    ),
    (Authorize, "related"): (
        "Any permission at all on the subject suffices, and so does being the other party of one of its grants in "
        "force or pending transfers.",
        False,
    ),
    (Authorize, "interactive"): ("Refuse API tokens: interactive sessions only.", False),
    (SemanticNonNull, "levels"): ("Depths at which null means error.", [0]),
    (Fails, "codes"): ("Specific codes; each one has a test.", Undefined),
    (Cost, "weight"): ("Points.", Undefined),
}
"""Description and default of every argument: Strawberry would print a default wherever the directive is used."""


def complete_arguments(schema: strawberry.Schema) -> None:
    """Describe the arguments of the directives, and give them the defaults that leaving them out stands for."""
    for (kind, name), (description, default) in ARGUMENTS.items():
        argument = schema._schema_graphql_directives[kind].args[name]
        argument.description = description
        if default is not Undefined:
            argument.default_value = default
            if not isinstance(argument.type, GraphQLNonNull):
                argument.type = GraphQLNonNull(argument.type)
