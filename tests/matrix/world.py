"""One database in which every kind of caller finds what it is asked about: whose is what, and who calls with what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from models.column import new_id
from models.sandbox import CLOCK_ID
from schema.global_id import global_id
from tests.matrix.callers import CALLERS, OWNED, Caller, Target

PLAN, PRICE, SERVICE_LEVEL, CONTRACT_VERSION = new_id(), new_id(), new_id(), new_id()
ON_SERVER = frozenset({Target.OWN_ON_SERVER, Target.OTHER_ON_SERVER})


@dataclass(frozen=True)
class Estate:
    """A profile and one thing of each kind that is its own; `partner` holds a grant of it, on everything it has."""

    name: str
    owner: UUID = field(default_factory=new_id)
    account: UUID = field(default_factory=new_id)
    hosted: UUID = field(default_factory=new_id)
    server: UUID = field(default_factory=new_id)
    session: UUID = field(default_factory=new_id)
    token: UUID = field(default_factory=new_id)
    event: UUID = field(default_factory=new_id)
    mail: UUID = field(default_factory=new_id)
    grant: UUID = field(default_factory=new_id)
    partner: UUID = field(default_factory=new_id)
    contract: UUID = field(default_factory=new_id)
    subscription: UUID = field(default_factory=new_id)
    invoice: UUID = field(default_factory=new_id)
    entry: UUID = field(default_factory=new_id)
    payment: UUID = field(default_factory=new_id)
    method: UUID = field(default_factory=new_id)
    alert: UUID = field(default_factory=new_id)
    migration: UUID = field(default_factory=new_id)
    ticket: UUID = field(default_factory=new_id)
    message: UUID = field(default_factory=new_id)
    file: UUID = field(default_factory=new_id)
    export: UUID = field(default_factory=new_id)
    transfer: UUID = field(default_factory=new_id)
    intervention: UUID = field(default_factory=new_id)

    @property
    def names(self) -> Mapping[UUID, str]:
        """The unique names of what has one."""
        name = self.name.replace("_", "-")
        return {
            self.account: f"{name}-account",
            self.hosted: f"{name}-hosted",
            self.server: f"{name}-server",
            self.invoice: f"{name.upper()}-1",
        }

    @property
    def keys(self) -> Mapping[str, UUID]:
        """The ids of its objects, by type."""
        return {
            "Profile": self.owner,
            "Security": self.owner,
            "Account": self.account,
            "Server": self.server,
            "Session": self.session,
            "ApiToken": self.token,
            "ActivityEvent": self.event,
            "SandboxMail": self.mail,
            "PermissionGrant": self.grant,
            "Contract": self.contract,
            "ServiceSubscription": self.subscription,
            "Billing": self.owner,
            "Invoice": self.invoice,
            "LedgerEntry": self.entry,
            "Payment": self.payment,
            "CardPaymentMethod": self.method,
            "Alert": self.alert,
            "Migration": self.migration,
            "Ticket": self.ticket,
            "TicketMessage": self.message,
            "Attachment": self.file,
            "Export": self.export,
            "Transfer": self.transfer,
            "Intervention": self.intervention,
            "Sandbox": CLOCK_ID,
            "Plan": PLAN,
        }

    def key(self, kind: str, *, on_server: bool = False) -> UUID:
        """The id of its object of one type."""
        return self.hosted if on_server and kind == "Account" else self.keys[kind]


@dataclass
class World:
    """Who calls with which secret, and whose objects they ask for."""

    estates: Mapping[str, Estate]
    secrets: dict[str, str] = field(default_factory=dict)
    """By the caller's name."""
    grants: dict[str, UUID] = field(default_factory=dict)
    """The grant to a delegate, by the caller's name."""
    profiles: dict[str, UUID] = field(default_factory=dict)
    """The profile of a caller who is not the owner."""
    credentials: dict[str, UUID] = field(default_factory=dict)
    """The session or token that a caller uses."""
    absent: UUID = field(default_factory=new_id)

    kinds = frozenset(Estate("").keys)
    """The types of which it has objects."""

    def estate(self, caller: Caller) -> Estate:
        """That of the owner whose objects this caller asks for."""
        return self.estates[owner_of(caller)]

    def key(self, caller: Caller, kind: str, target: Target) -> UUID:
        """The key of an object, as this caller means it."""
        if target is Target.ABSENT:
            return self.absent
        estate = self.estate(caller) if target in OWNED else self.estates["other"]
        if kind == "PermissionGrant" and target in OWNED and caller.name in self.grants:
            return self.grants[caller.name]
        return estate.key(kind, on_server=target in ON_SERVER)

    def id(self, caller: Caller, kind: str, target: Target) -> str:
        """The same, as clients hold it."""
        return global_id(kind, self.key(caller, kind, target))

    def name(self, caller: Caller, kind: str, target: Target) -> str:
        """The unique name of an account or a server, or the number of an invoice."""
        if target is Target.ABSENT:
            return "nothing-of-this-name"
        estate = self.estate(caller) if target in OWNED else self.estates["other"]
        return estate.names[estate.key(kind, on_server=target in ON_SERVER)]

    def number(self, caller: Caller, target: Target) -> int:
        """The number of a ticket."""
        if target is Target.ABSENT:
            return 2**31 - 1
        return ESTATES.index(owner_of(caller) if target in OWNED else "other") + 1

    def grantee(self, caller: Caller) -> UUID:
        """The profile that holds the grant of which the caller asks."""
        return self.profiles[caller.name] if caller.role == "delegate" else self.estate(caller).partner

    def grants_of(self, caller: Caller, kind: str, target: Target) -> set[UUID]:
        """The grants that the owner of these objects gave, of those that name the account or the server."""
        estate = self.estate(caller)
        on_server = target is Target.OWN_ON_SERVER
        delegates = {name: CALLERS[name] for name in self.grants if owner_of(CALLERS[name]) == estate.name}
        naming: dict[str, Callable[[Caller], object]] = {
            "Profile": lambda each: True,
            "Account": lambda each: each.account - ({""} if on_server else {"RESOURCES"}),
            "Server": lambda each: each.server,
        }
        return {estate.grant} | {self.grants[name] for name, each in delegates.items() if naming[kind](each)}


def owner_of(caller: Caller) -> str:
    """The name of the estate that a caller asks about."""
    if caller.role != "owner":
        return "suspended" if caller.owner_suspended else "main"
    changed = {"wrong_address": caller.wrong_address, "suspended": caller.suspended, "unverified": not caller.verified}
    different = [name for name, is_so in {**changed, "one_factor": not caller.two_factor_on}.items() if is_so]
    return different[0] if different else "main"


ESTATES = ("main", "one_factor", "suspended", "unverified", "wrong_address", "other")
