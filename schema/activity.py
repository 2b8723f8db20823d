"""PRO-15. The history: who did what to what a profile owns."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry
from strawberry.utils.str_converters import to_camel_case

from engine.declare import Column, Computed, One, Reference, declare
from engine.error import BAD_USER_INPUT, FieldRefused
from models import activity as rows
from models.clock import day_start
from models.context import Context
from models.profile import Locale
from resolvers import activity as acts
from schema.connection import connection, newest
from schema.directive import authorize
from schema.enumeration import described
from schema.global_id import read_global_id
from schema.live import EVERYTHING, live
from schema.message import say
from schema.node import Actor, Node, node

if TYPE_CHECKING:
    from schema.profile import Profile
    from schema.token import ApiToken

described(
    rows.ActivityChannel,
    "Channels of activity.",
    SESSION="Interactive session.",
    API_TOKEN="API token.",  # noqa: S106 - a description
    SUPPORT="Support team.",
    SYSTEM="Automatic.",
)


LONGEST_CHANGE = 500
"""Characters of a value that the history shows; the whole is recorded."""


@strawberry.type(description="Somebody whose profile the viewer may not open, or who is gone.")
class HiddenActor(Actor):
    display_name: str = strawberry.field(description="Name to show, as little as the viewer may know.")


@strawberry.type(description="The service itself.")
class SystemActor(Actor):
    display_name: str = strawberry.field(description="Name of the service.")


@strawberry.type(description="A value changed by an action; secrets are never shown.")
class ActivityChange:
    name: str = strawberry.field(description="Name of what changed.")
    before: str | None = strawberry.field(description="Before.")
    after: str | None = strawberry.field(description="After.")


@strawberry.type(description="A member of the support team.")
class SupportAgent(Actor):
    display_name: str = strawberry.field(description="First name.")


def unnamed_actor(locale: Locale, channel: rows.ActivityChannel, facts: Mapping[str, Any]) -> Actor:
    """Who acted, where no profile may be shown."""
    if channel is rows.ActivityChannel.SYSTEM:
        return SystemActor(display_name="Espace")
    if channel is rows.ActivityChannel.SUPPORT:
        return SupportAgent(display_name=str(facts.get("agent") or say(locale, "Support team")))
    return HiddenActor(display_name=say(locale, "Somebody"))


def summary(locale: Locale, kind: str) -> str:
    """One sentence about a fact."""
    return say(locale, rows.ACTIONS[kind].sentence)


def changes(stored: Mapping[str, list[Any]]) -> list[ActivityChange]:
    """What changed, by the names of the API."""
    return [
        ActivityChange(name=to_camel_case(name), before=_shown(before), after=_shown(after))
        for name, (before, after) in stored.items()
    ]


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST_CHANGE else f"{text[:LONGEST_CHANGE]}…"


def shown_address(channel: rows.ActivityChannel, ip_address: str | None) -> str | None:
    """From where somebody acted; where the staff works is nobody's business."""
    return None if channel is rows.ActivityChannel.SUPPORT else ip_address


def reason(channel: rows.ActivityChannel, facts: Mapping[str, Any]) -> str | None:
    """Section 14. Why somebody of the staff acted."""
    return facts.get("why") if channel is rows.ActivityChannel.SUPPORT else None


@node(rows.ActivityEvent, gate=authorize(), owner="owner_id", description="One action in the history.")
class ActivityEvent(Node):
    occurred_at: datetime = strawberry.field(description="When.")
    actor: Actor = declare(
        One(
            "id",
            acts.actor,
            kind="Profile",
            otherwise=Computed(unnamed_actor, ("channel", "facts"), given="locale"),
        ),
        description="Who.",
    )
    channel: rows.ActivityChannel = strawberry.field(description="Through what.")
    action: str = declare(Column("kind"), description='Stable dotted code, e.g. "account.plan_changed"; an open set.')
    summary: str = declare(Computed(summary, ("kind",), given="locale"), description="Localised sentence.")
    subject: Node | None = declare(
        Reference("subject_type", "subject_id"), description="Object concerned, when it still exists."
    )
    ip_address: str | None = declare(
        Computed(shown_address, ("channel", "ip_address")),
        description="Address of the caller; of the support team none is shown.",
    )
    owner: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(
        One("owner_id"), description="Owner of what was acted on."
    )
    api_token: Annotated["ApiToken", strawberry.lazy("schema.token")] | None = declare(
        One("token_id"), description="Token used, when it still exists."
    )
    reason: str | None = declare(
        Computed(reason, ("channel", "facts")), description="Why, of what the support team did."
    )
    changes: list[ActivityChange] = declare(Computed(changes, ("changes",)), description="What changed (bounded list).")


@strawberry.input(description="Closed range of dates; an open end is null.")
class DateRangeInput:
    from_: date | None = strawberry.field(name="from", default=strawberry.UNSET, description="First day.")
    to: date | None = strawberry.field(default=strawberry.UNSET, description="Last day.")


@strawberry.input(description="Filter; all given criteria must hold.")
class ActivityFilter:
    action: str | None = strawberry.field(
        default=strawberry.UNSET, description='Dotted code or its prefix, e.g. "account.".'
    )
    subject_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Object concerned.")
    occurred: DateRangeInput | None = strawberry.field(default=strawberry.UNSET, description="Days.")


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the history's select takes of the field's filter; days are those of the provider's zone."""
    wanted: ActivityFilter = given.get("filter") or ActivityFilter()
    days = wanted.occurred or DateRangeInput()
    zone = ZoneInfo(context.figures.billing_zone)
    try:
        return {
            "action": wanted.action or None,
            "subject": _subject(wanted.subject_id) if isinstance(wanted.subject_id, str) else None,
            "since": day_start(days.from_, zone) if days.from_ else None,
            "until": day_start(days.to + timedelta(days=1), zone) if days.to else None,
        }
    except OverflowError:
        raise FieldRefused(BAD_USER_INPUT, "This day is out of range.") from None


def _subject(text: str) -> tuple[str, UUID]:
    found = read_global_id(text)
    if found is None:
        raise FieldRefused(BAD_USER_INPUT, "This is not an id.")
    return found


def history(description: str) -> Any:
    """The connection of what happened to what a profile owns."""
    return connection(
        acts.of_owner,
        authorize(),
        key="id",
        order=newest("occurred_at"),
        more={"filter": (ActivityFilter | None, "Keep only matching items.")},
        given=criteria,
        description=description,
    )


@strawberry.type
class ActivitySubscription:
    activity_recorded: ActivityEvent | None = live(
        EVERYTHING, authorize(), key="id", description="An action was recorded in the history."
    )
