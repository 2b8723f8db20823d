"""CAT-1, CAT-3. A server that is set up for a customer: what is wanted, and what stands in its way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from models.account_name import check_name
from models.activity import Record, action
from models.opening import PlanUnavailable, Standing, of_standing
from models.plan import PlanKind
from models.price import BillingPeriod
from models.refusal import Code, NotFound, Refusal
from models.server import Server
from models.setting import Figures
from models.suspension import checked_text

CREATED = action("server.created", "The server was set up", mail="server_created")
TEXT_LENGTH = 100
"""Of what describes a part of a machine."""
LARGEST_PART = 2**31 - 1
MOST_OF_ONE = 100
"""Of one option on one server."""


class ServerNameTaken(Refusal):
    """ACC-2. Server names are unique."""

    code = Code.CONFLICT
    message = "There is a server of this name already."


class WrongAgreedPrice(Refusal):
    """CAT-1. What is on quotation costs something."""

    code = Code.INVALID
    message = "An agreed price is of a whole period, VAT excluded, and more than nothing."


class WrongQuantity(Refusal):
    """CAT-3. An option is there once, or some times."""

    code = Code.INVALID
    message = "Name each option once, with how many of it there are."


class WrongMachine(Refusal):
    """CAT-1. What a server is made of is shown to its owner."""

    code = Code.INVALID
    message = "This does not describe a part of a machine."


@dataclass(frozen=True, slots=True)
class Machine:
    """What a server is made of."""

    cpu: str
    disks: str
    memory_megabytes: int
    traffic_gigabytes: int


@dataclass(frozen=True, slots=True)
class ServerWishes:
    """CAT-1. What is to be set up for whom."""

    owner_id: UUID
    name: str
    plan: str
    period: BillingPeriod
    committed: bool
    machine: Machine
    reason: str
    """For the customer."""
    options: tuple[tuple[str, int], ...] = ()
    """Codes, and how many of each."""
    agreed_cents: int | None = None
    """Of a whole period, where it is not the list price."""


@dataclass(frozen=True, slots=True)
class PlanOffered:
    """A plan as it is offered now."""

    id: UUID
    kind: PlanKind
    available: bool
    name_en: str
    name_fr: str


@dataclass(frozen=True, slots=True)
class OptionOffered:
    """An option as it is offered now."""

    id: UUID
    available: bool
    name_en: str


@dataclass(frozen=True, slots=True)
class ServerSituation:
    """Everything that the setting up depends on, read at one instant."""

    standing: Standing
    contract: Refusal | None
    plan: PlanOffered | None
    options: Mapping[str, OptionOffered]
    """By code, those that are wanted."""


def create_server(record: Record, wishes: ServerWishes, found: ServerSituation, figures: Figures) -> Server:
    """CAT-1. The server of a customer, who is told; what it costs begins with its subscription."""
    for refusal in obstacles(wishes, found, figures):
        raise refusal
    plan, machine = found.plan, wishes.machine
    if plan is None:
        raise LookupError("a plan that is not there is an obstacle")
    made = Server(
        owner_id=wishes.owner_id,
        name=wishes.name,
        plan_id=plan.id,
        created_at=record.now,
        cpu=machine.cpu,
        disks=machine.disks,
        memory_megabytes=machine.memory_megabytes,
        traffic_gigabytes=machine.traffic_gigabytes,
        options=[
            found.options[code].name_en if many == 1 else f"{many} × {found.options[code].name_en}"
            for code, many in wishes.options
        ],
    )
    record.happened(
        CREATED,
        made,
        name=made.name,
        plan={"en": plan.name_en, "fr": plan.name_fr},
        reason=checked_text(wishes.reason, "reason"),
    )
    return made


def obstacles(wishes: ServerWishes, found: ServerSituation, figures: Figures) -> Iterator[Refusal]:
    """CAT-1, ACC-2. What stands in the way; whether the name is taken, the database knows."""
    yield from of_standing(found.standing, found.contract, billable=True)
    try:
        check_name(wishes.name, least=figures.account_name_least, most=figures.account_name_most)
    except Refusal as refusal:
        yield refusal.at("name")
    if found.plan is None:
        yield NotFound().at("plan")
    elif not found.plan.available or found.plan.kind is PlanKind.PUBLIC_CLOUD:
        yield PlanUnavailable().at("plan")
    if wishes.agreed_cents is not None and wishes.agreed_cents <= 0:
        yield WrongAgreedPrice().at("agreed_price")
    yield from _of_options(wishes, found)
    yield from _of_machine(wishes.machine)


def _of_options(wishes: ServerWishes, found: ServerSituation) -> Iterator[Refusal]:
    """CAT-3. Those that are sold no more stay where they are."""
    codes = [code for code, _ in wishes.options]
    if any(code not in found.options for code in codes):
        yield NotFound().at("options")
    elif len(set(codes)) < len(codes) or any(not 1 <= many <= MOST_OF_ONE for _, many in wishes.options):
        yield WrongQuantity().at("options")
    elif any(not found.options[code].available for code in codes):
        yield PlanUnavailable().at("options")


def _of_machine(machine: Machine) -> Iterator[Refusal]:
    for name in ("cpu", "disks"):
        if not getattr(machine, name).strip() or len(getattr(machine, name)) > TEXT_LENGTH:
            yield WrongMachine().at(name)
    for name in ("memory_megabytes", "traffic_gigabytes"):
        if not 0 < getattr(machine, name) <= LARGEST_PART:
            yield WrongMachine().at(name)
