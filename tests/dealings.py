"""Customers, what they grant each other, and what each may therefore see: the rules, apart from what enforces them.

Ada grants Bob two things and Dan something that needs a second factor; Cleo has nothing to do with anybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from models.permission import AccountPermission, OverallPermission, Permission, ServerPermission

CUSTOMERS = ADA, BOB, CLEO, DAN = 1, 2, 3, 4
NOBODY = 0
"""Whose the marks of secrets are: the owner of the row may not see them either."""
ON_SERVER = {1: 1, 2: 1, 3: 2}
"""Of everybody's accounts those that are on a server, and on which."""

SHARED_ALERT = 1
"""ALE-3. Of everybody's alerts the one about a negative balance, which whoever holds BILLING sees."""

OF_TICKETS = ("ticket", "ticket_message", "attachment")
"""TIC-2. What a ticket shows; the tables of its notes are in none of these rules, since nobody sees them."""
BILLING_TICKET = 1
"""Of everybody's tickets the one about billing: their topics are in the order of the rule."""


class Place(NamedTuple):
    """What a mark was written into."""

    table: str
    column: str


class Of(NamedTuple):
    """A row: the how manieth of which customer's."""

    customer: int
    number: int


class Mark(NamedTuple):
    owner: int
    place: Place
    number: int = 0
    """Of the row, among its owner's."""


@dataclass(frozen=True)
class Grant:
    """What a customer gives another one; accounts and servers by their numbers."""

    owner: int
    grantee: int
    overall: tuple[OverallPermission, ...] = ()
    accounts: Mapping[int, AccountPermission] = field(default_factory=dict)
    servers: Mapping[int, ServerPermission] = field(default_factory=dict)
    flagged: bool = False
    """It sleeps without a second factor."""

    def shows_account(self, number: int) -> bool:
        """PER-4, and the fine print: any permission that reaches it."""
        server = ON_SERVER.get(number)
        on_server = server is not None and (
            OverallPermission.TECHNICAL_SERVER in self.overall
            or self.servers.get(server) in (ServerPermission.CONSUMPTION, ServerPermission.RESOURCES)
        )
        return bool(COMMERCIAL.intersection(self.overall)) or number in self.accounts or on_server or self._all_accounts

    @property
    def _all_accounts(self) -> bool:
        return OverallPermission.TECHNICAL_ACCOUNT in self.overall

    def shows_server(self, number: int) -> bool:
        """PER-4, and the fine print: any permission that reaches it."""
        everywhere = COMMERCIAL | {OverallPermission.TECHNICAL_SERVER}
        return bool(everywhere.intersection(self.overall)) or number in self.servers


@dataclass(frozen=True)
class Offer:
    """ACC-8. What a customer hands over to another one, or wanted to: an account, by its number."""

    sender: int
    recipient: int
    account: int
    waits: bool


COMMERCIAL: set[Permission] = {OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT}
GRANTS = (
    Grant(ADA, BOB, overall=(OverallPermission.BILLING,), accounts={0: AccountPermission.SITES}),
    Grant(
        ADA,
        DAN,
        accounts={0: AccountPermission.SITES},
        servers={1: ServerPermission.CONSUMPTION},
        flagged=True,
    ),
)
"""All of one owner, so that the place of each is its number."""
OFFERS = (Offer(CLEO, DAN, 0, True), Offer(CLEO, ADA, 1, False))
"""As with grants."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and with what."""

    name: str
    customer: int | None = None
    token: str | None = None
    two_factor: bool = False
    interactive: bool = True
    only_owner: int | None = None
    only_account: Of | None = None


ADDRESS = {Place("profile", "id"), Place("profile", "email")}
"""What everybody sees of whoever they have to do with."""
SHOWN_NAME = Place("profile", "organization_name")
IDENTITY = {
    Place("profile", name)
    for name in (
        *("organization_name", "first_name", "last_name", "street_lines", "postal_code", "city", "country"),
        *("registration_number", "vat_number", "phone"),
    )
}
CREDENTIALS = {Place("profile", "ip_allowlist"), Place("profile", "pending_email")}
"""TOK-3. Columns that no token may see."""
BILLED = (
    *("allocation", "charge", "invoice", "invoice_line", "invoice_tax", "journal_entry"),
    *("payment", "payment_invoice", "payment_method", "receipt", "intervention"),
)
"""PER-1. Tables that BILLING shows."""
OF_CREDENTIALS = ("api_token", "sandbox_mail")
"""TOK-3. Tables that no token may see: mails carry links that credentials are changed by."""


def allowed(caller: Caller) -> Callable[[Mark], bool]:
    """Whether the caller may see a mark."""
    return lambda mark: mark.owner != NOBODY and caller.customer is not None and _may_see(caller, mark)


def _may_see(caller: Caller, mark: Mark) -> bool:
    if caller.only_account is not None:
        return _of_one_account(caller, caller.only_account, mark)
    if caller.only_owner not in (None, mark.owner) and not _partner(caller, mark):
        return _known_offer(caller, mark)
    if mark.owner == caller.customer:
        return caller.interactive or not (mark.place in CREDENTIALS or mark.place.table in OF_CREDENTIALS)
    if _offered(caller, mark):
        return True
    number, grant = _received(caller, mark.owner)
    if grant is None:
        return _partner(caller, mark)
    if mark.place in ADDRESS:
        return True
    if mark.place == Place("permission_grant", "id"):
        return mark.number == number and caller.only_owner is None
    return not (grant.flagged and not caller.two_factor) and _in_force(grant, mark)


def _received(caller: Caller, owner: int) -> tuple[int, Grant | None]:
    """PER-8. What this owner has granted the caller, and its number."""
    pairs = ((number, grant) for number, grant in enumerate(GRANTS))
    return next((pair for pair in pairs if (pair[1].owner, pair[1].grantee) == (owner, caller.customer)), (0, None))


def _offered(caller: Caller, mark: Mark) -> bool:
    """ACC-8. While it waits its recipient sees the address of the sender, and the account."""
    offers = [each for each in OFFERS if each.waits and (each.sender, each.recipient) == (mark.owner, caller.customer)]
    seen = mark.place in ADDRESS or (mark.place.table == "account" and mark.number in {each.account for each in offers})
    return _known_offer(caller, mark) or (bool(offers) and seen and caller.only_owner is None)


def _known_offer(caller: Caller, mark: Mark) -> bool:
    """ACC-8. A transfer is known to its recipient, and to whoever manages accounts or bills for them."""
    if mark.place != Place("transfer", "id"):
        return False
    return _acts_for(caller, OFFERS[mark.number].recipient, received=True)


def _acts_for(caller: Caller, party: int, *, received: bool = False) -> bool:
    """Whether a transfer is known to the caller as this party, or as whoever manages accounts or bills for it."""
    if party == caller.customer:
        return caller.only_owner is None or (caller.only_owner == party and not received)
    _, grant = _received(caller, party)
    return grant is not None and bool(COMMERCIAL.intersection(grant.overall)) and caller.only_owner in (None, party)


def _partner(caller: Caller, mark: Mark) -> bool:
    """Whoever grants, or offers, sees the address of whom they grant or offer to."""
    given = any((grant.owner, grant.grantee) == (caller.customer, mark.owner) for grant in GRANTS)
    given |= any(each.waits and (each.sender, each.recipient) == (caller.customer, mark.owner) for each in OFFERS)
    return given and caller.only_owner in (None, caller.customer) and mark.place in ADDRESS


def _in_force(grant: Grant, mark: Mark) -> bool:
    """PER-1, PER-4. What a grant shows of its owner while it counts."""
    if mark.place.table == "account":
        return grant.shows_account(mark.number)
    if mark.place.table == "server":
        return grant.shows_server(mark.number)
    if mark.place in (Place("contract", "id"), Place("subscription", "id")):
        return bool(COMMERCIAL.intersection(grant.overall))
    if mark.place.table == "alert":
        return OverallPermission.BILLING in grant.overall and mark.number == SHARED_ALERT
    if mark.place.table in OF_TICKETS:
        return OverallPermission.BILLING in grant.overall and mark.number == BILLING_TICKET
    if mark.place.table in BILLED:
        return OverallPermission.BILLING in grant.overall
    return mark.place == SHOWN_NAME or (OverallPermission.BILLING in grant.overall and mark.place in IDENTITY)


def _of_one_account(caller: Caller, only: Of, mark: Mark) -> bool:
    """TOK-3. That account with what is held on it, and how its owner is called."""
    _, grant = _received(caller, only.customer)
    held = caller.customer == only.customer or (grant is not None and grant.shows_account(only.number))
    if not held or mark.owner != only.customer:
        return False
    commercial = grant is None or bool(COMMERCIAL.intersection(grant.overall))
    if mark.place.table == "migration":
        return grant is None and mark.number == only.number
    if mark.place == Place("subscription", "id"):
        return commercial and mark.number == only.number
    if mark.place.table in OF_TICKETS:  # Each is about the account of its number.
        return grant is None and mark.number == only.number
    return mark.place in ADDRESS | {SHOWN_NAME} or (mark.place.table == "account" and mark.number == only.number)
