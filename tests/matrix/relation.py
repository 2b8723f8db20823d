"""Which objects the caller's world knows, and which of them a field leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from schema.global_id import global_id
from tests.matrix import table
from tests.matrix.callers import CALLERS, Caller, Target
from tests.matrix.table import NONE
from tests.matrix.world import World, owner_of

OWN, HOSTED = Target.OWN, Target.OWN_ON_SERVER
OF_OWNER = {
    "Profile.transfers": "Transfer",
    "Transfer.item": "Account",
    "Billing.ledger": "LedgerEntry",
    "Billing.invoices": "Invoice",
    "Billing.payments": "Payment",
    "Billing.paymentMethods": "CardPaymentMethod",
    "Payment.method": "CardPaymentMethod",
    "Payment.invoices": "Invoice",
    "Invoice.payments": "Payment",
    "Server.interventions": "Intervention",
    "Intervention.server": "Server",
}
OF_TICKETS = {
    "Profile.tickets": "Ticket",
    "Ticket.profile": "Profile",
    "Ticket.messages": "TicketMessage",
    "TicketMessage.ticket": "Ticket",
    "TicketMessage.attachments": "Attachment",
}


@dataclass(frozen=True)
class Known:
    """What an id stands for, and as whom the caller looks at it."""

    kind: str
    target: Target
    looker: Caller


def known(world: World, caller: Caller) -> dict[str, Known]:
    """Every object of the owner's estate, of the other one, and everybody whom the owner granted something."""
    found: dict[str, Known] = {}
    nobody = replace(caller, role="anonymous" if caller.role == "anonymous" else "stranger")
    granted = replace(caller, role="delegate", overall=NONE, account=NONE, server=NONE, flagged=False, verified=True)
    as_granter = granted if caller.role == "owner" and not caller.narrowed else nobody
    as_oneself = nobody if caller.narrowed and caller.role != "owner" else replace(caller, role="owner")
    for name, key in [*world.profiles.items(), ("", world.estate(caller).partner)]:
        looker = as_oneself if name == caller.name else as_granter
        found[global_id("Profile", key)] = Known("Profile", OWN, looker)
    if (credential := world.credentials.get(caller.name)) is not None and not caller.token:
        found[global_id("Session", credential)] = Known("Session", OWN, as_oneself)
    for kind in table.GATES:
        for target in (OWN, HOSTED, Target.OTHER, Target.OTHER_ON_SERVER) if kind in world.kinds else ():
            found.setdefault(world.id(caller, kind, target), Known(kind, target, caller))
    for kind, keys in (("PermissionGrant", world.grants_of(caller, "Profile", OWN)), *credentials(world, caller)):
        found |= {global_id(kind, key): Known(kind, OWN, caller) for key in keys}
    return found


def credentials(world: World, caller: Caller) -> list[tuple[str, set[UUID]]]:
    """The sessions and API tokens of the owner: the one to ask for, and those that callers use."""
    estate = world.estate(caller)
    used = {name for name, each in CALLERS.items() if each.role == "owner" and owner_of(each) == estate.name}
    tokens = {world.credentials[name] for name in used if CALLERS[name].token}
    sessions = {world.credentials[name] for name in used if not CALLERS[name].token}
    return [("Session", sessions | {estate.session}), ("ApiToken", tokens | {estate.token})]


OF_OWN: Mapping[str, str] = {
    "Profile.servers": "Server",
    "Profile.security": "Security",
    "Profile.billing": "Billing",
    "Billing.profile": "Profile",
    "Profile.alerts": "Alert",
    "Alert.subject": "Account",
    "Billing.ledger": "LedgerEntry",
    "Billing.invoices": "Invoice",
    "LedgerEntry.source": "Invoice",
    "Profile.activity": "ActivityEvent",
    "Profile.contracts": "Contract",
    "Profile.subscriptions": "ServiceSubscription",
    "ServiceSubscription.item": "Account",
    "ServiceSubscription.plan": "Plan",
    "Account.owner": "Profile",
    "Migration.account": "Account",
    "Server.owner": "Profile",
    "Server.plan": "Plan",
    "PermissionGrant.owner": "Profile",
    "ActivityEvent.owner": "Profile",
    "ActivityEvent.subject": "Account",
    "ActivityEvent.apiToken": "ApiToken",
    "ApiToken.onlyOwner": "Profile",
    "ApiToken.onlyAccount": "Account",
    "Sandbox.mails": "SandboxMail",
    **OF_OWNER,
    **OF_TICKETS,
}
"""What leads to objects of the owner's, whatever it is asked of."""


def leads_to(world: World, caller: Caller, coordinate: str, target: Target) -> set[str] | None:
    """The ids of all that a field of the owner's object leads to, seen or not; None where the matrix does not say."""
    on, off = ((OWN,), ()) if target is HOSTED else ((), (OWN,))
    one: Mapping[str, tuple[str, tuple[Target, ...]]] = {
        "Profile.accounts": ("Account", (OWN, HOSTED)),
        "Profile.grantsReceived": ("PermissionGrant", ()),
        "Account.plan": ("Plan", off),
        "Account.subscription": ("ServiceSubscription", off),
        "Account.scheduledMigration": ("Migration", off),
        "Account.alerts": ("Alert", off),
        "Migration.server": ("Server", ()),
        "Account.pendingTransfer": ("Transfer", off),
        "Server.pendingTransfer": ("Transfer", ()),
        "Account.server": ("Server", on),
        "Server.subscription": ("ServiceSubscription", ()),
        "Server.accounts": ("Account", (HOSTED,)),
        **{coordinate: (kind, (OWN,)) for coordinate, kind in OF_OWN.items()},
    }
    if coordinate in one:
        kind, targets = one[coordinate]
        return {world.id(caller, kind, each) for each in targets}
    return _several(world, caller, coordinate, target)


def _several(world: World, caller: Caller, coordinate: str, target: Target) -> set[str] | None:
    kind, _, field = coordinate.partition(".")
    if coordinate == "Profile.grantsGiven" or field == "grants":
        return {global_id("PermissionGrant", key) for key in world.grants_of(caller, kind, target)}
    if kind == "PermissionGrant":
        return _named(world, caller).get(field)
    owned: dict[str, set[UUID]] = dict(credentials(world, caller))
    if coordinate in ("Security.sessions", "Security.apiTokens"):
        node = "Session" if field == "sessions" else "ApiToken"
        return {global_id(node, key) for key in owned[node]}
    return None


def _named(world: World, caller: Caller) -> dict[str, set[str]]:
    """What the grant to a delegate names, or that to the partner: on which account or server it gives something."""
    is_partner = caller.role != "delegate"
    accounts = {OWN: is_partner or caller.account - {"RESOURCES"}, HOSTED: is_partner or caller.account}
    servers = [OWN] if is_partner or caller.server else []
    return {
        "grantee": {global_id("Profile", world.grantee(caller))},
        "accounts": {world.id(caller, "Account", target) for target, given in accounts.items() if given},
        "servers": {world.id(caller, "Server", target) for target in servers},
    }
