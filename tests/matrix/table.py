"""Who may read and who may call what, written from the rules alone: data, no enforcing code.

Fields of small types (connections, edges, AccountUsage, LegalIdentity, Decision...) are not
listed: they stand under the field that leads to them (PER-11).
"""

from dataclasses import dataclass
from typing import Final

Names = frozenset[str]
NONE: Final[Names] = frozenset()


def _names(words: str) -> Names:
    return frozenset(words.split())


# PER-1, PER-2, PER-3: the 34 permissions, in the order of the rules.
OVERALL: Final = ("ACCOUNT_MANAGEMENT", "BILLING", "TECHNICAL_ACCOUNT", "TECHNICAL_SERVER")
ACCOUNT: Final = (
    *("TECHNICAL_CONTACT", "USAGE", "RESOURCES", "STATISTICS", "SITES", "DOMAINS", "EMAILS"),
    *("EMAIL_HISTORY", "DATABASES", "FTP", "SSH", "WEBDAV", "ENVIRONMENT", "PROCESSES"),
    *("IP_ADDRESSES", "SSL_CERTIFICATES", "MIGRATION", "SCHEDULED_TASKS", "BACKUPS", "SERVICES"),
)
SERVER: Final = (
    *("TECHNICAL_CONTACT", "SSH_USERS", "FIREWALL", "SMTP", "DATABASE_USERS", "SSL", "HTTP"),
    *("CONSUMPTION", "RESOURCES", "MIGRATION"),
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who passes: whoever fits one of the first four and `parties`, within what the flags ask."""

    owner: bool = False
    overall: Names = NONE
    account: Names = NONE
    server: Names = NONE
    interactive: bool = False
    two_factor: bool = False
    anybody_who_sees: bool = False
    public: bool = False
    parties: tuple[str, ...] = ()


PUBLIC: Final = Rule(public=True)
SEEN: Final = Rule(anybody_who_sees=True)
OWNER: Final = Rule(owner=True)
OWNER_IN_PERSON: Final = Rule(owner=True, interactive=True)
BILLING: Final = Rule(owner=True, overall=_names("BILLING"))
ANY_OVERALL: Final = Rule(owner=True, overall=frozenset(OVERALL))
MANAGEMENT: Final = Rule(owner=True, overall=_names("ACCOUNT_MANAGEMENT"))
SUBSCRIBED: Final = Rule(owner=True, overall=_names("ACCOUNT_MANAGEMENT BILLING"))
CONSUMPTION: Final = Rule(owner=True, server=_names("CONSUMPTION"))
# The contract says so: ACCOUNT_MANAGEMENT and TECHNICAL_SERVER beside CONSUMPTION.
ON_SERVER: Final = Rule(owner=True, overall=_names("ACCOUNT_MANAGEMENT TECHNICAL_SERVER"), server=_names("CONSUMPTION"))
# The contract says so: of urgent tickets.
FEE: Final = Rule(owner=True, overall=_names("BILLING TECHNICAL_SERVER"), server=_names("TECHNICAL_CONTACT"))
MAY_CALL: Final = Rule(owner=True, overall=_names("TECHNICAL_SERVER"), server=_names("TECHNICAL_CONTACT"))
# The contract says: whoever pays for work on a server, orders it, or sees to the machine.
CONCERNED: Final = Rule(
    owner=True,
    overall=_names("BILLING ACCOUNT_MANAGEMENT TECHNICAL_SERVER"),
    server=_names("TECHNICAL_CONTACT"),
)

# The object gate of each type: who knows that the object exists (PER-12, convention 6).
GATES: Final[dict[str, Rule]] = {
    # the fine print (to someone with no right...), a choice: itself, and both ends of a grant.
    "Profile": Rule(owner=True, parties=("grantee", "granter")),
    # PER-4, the fine print (any permission shows what it reaches), a choice.
    "Account": Rule(
        owner=True,
        overall=_names("ACCOUNT_MANAGEMENT BILLING TECHNICAL_ACCOUNT"),
        account=frozenset(ACCOUNT),
        server=_names("CONSUMPTION RESOURCES"),
    ),
    # PER-4, the fine print, a choice: account permissions do not show the server.
    "Server": Rule(
        owner=True,
        overall=_names("ACCOUNT_MANAGEMENT BILLING TECHNICAL_SERVER"),
        server=frozenset(SERVER),
    ),
    # PER-5 (credentials: only the owner), TOK-3, PRO-8; convention 6: not around Profile.security.
    "Security": OWNER_IN_PERSON,
    # The contract says: the owner, tokens too.
    "Session": OWNER,
    "ApiToken": OWNER_IN_PERSON,
    # PRO-15: readable by the owner of what was acted on.
    "ActivityEvent": OWNER,
    # PER-8, a choice: its two parties.
    "PermissionGrant": Rule(owner=True, parties=("grantee",)),
    # BIL-19: the profile it binds; the contract says: whoever pays or manages accounts for it, too.
    "Contract": SUBSCRIBED,
    # PER-1: subscriptions are ACCOUNT_MANAGEMENT's, their cost BILLING's.
    "ServiceSubscription": SUBSCRIBED,
    # ACC-8; the contract says: both parties, and whoever manages accounts or bills for one of them.
    "Transfer": Rule(owner=True, overall=_names("ACCOUNT_MANAGEMENT BILLING"), parties=("recipient",)),
    # PER-1: balance and documents are BILLING's.
    "Billing": BILLING,
    "Invoice": BILLING,
    # ALE-3: of the end of a domain, all of these; of other kinds some of them (tests/test_permission.py, every row).
    "Alert": Rule(
        owner=True,
        overall=_names("BILLING"),
        account=_names("TECHNICAL_CONTACT"),
        server=_names("TECHNICAL_CONTACT"),
    ),
    # The contract says: whoever holds MIGRATION on what is migrated.
    "Migration": Rule(owner=True, account=_names("MIGRATION"), server=_names("MIGRATION")),
    # TIC-2: of one about billing, BILLING; the others are in tests/test_ticket.py and tests/test_permission.py.
    "Ticket": BILLING,
    "TicketMessage": BILLING,
    "Attachment": BILLING,
    # The contract says.
    "UrgentFee": FEE,
    "Export": OWNER,
    "LedgerEntry": BILLING,
    # PER-1: payments and payment methods are BILLING's.
    "Payment": BILLING,
    "CardPaymentMethod": BILLING,
    # BIL-14: a quote is seen by whoever may ask for it.
    "AccountOpenQuote": MANAGEMENT,
    "PlanChangeQuote": MANAGEMENT,
    "InvoicingDayQuote": BILLING,
    "UrgentTicketQuote": MAY_CALL,
    "TransferQuote": OWNER,
    "InterventionQuote": SUBSCRIBED,
    # The contract says: whoever pays, subscribes, or sees to the server.
    "Intervention": CONCERNED,
    # the catalogue, ACC-3: the catalogue is read without a session.
    "Plan": PUBLIC,
    "Catalog": PUBLIC,
    # the fine print: the sandbox belongs to whoever looks at it; a mail to the holder of its address.
    "Sandbox": Rule(parties=("viewer",)),
    # Choice TOK-3: for people; a token that read a link could set a new password.
    "SandboxMail": OWNER_IN_PERSON,
}

_GROUPS: Final[tuple[tuple[Rule, str], ...]] = (
    # the fine print (e-mail as name, nothing else), PER-13; lists hold what the viewer may see.
    (SEEN, "Profile id displayName email accounts servers alerts tickets viewerIsOwner viewerPermissions"),
    # PRO-2, PRO-3, PER-1: the identity on invoices.
    (BILLING, "Profile identity"),
    # BIL-8: who pays quotes it.
    (BILLING, "Profile customerNumber"),
    # PRO-11: what would lift it is a payment or a card, which are BILLING's.
    (BILLING, "Profile restricted restrictionRemedy"),
    # The contract says: whoever can do something about it.
    (SUBSCRIBED, "Profile suspension"),
    # The contract says: any overall permission.
    (ANY_OVERALL, "Profile kind status createdAt"),
    # PER-11 (deny by default): no permission of PER-1 speaks of these.
    (OWNER, "Profile emailVerified locale"),
    # PER-5, TOK-3: credentials are the owner's, and no token's.
    (OWNER_IN_PERSON, "Profile security"),
    # PER-1: ACCOUNT_MANAGEMENT is about subscriptions; BILLING pays for them.
    (SUBSCRIBED, "Profile subscriptions"),
    # ACC-1, PER-1, BIL-14: whoever may open an account may ask what it costs.
    (MANAGEMENT, "Profile accountOpenQuote"),
    # BIL-5, PER-1: when everything is invoiced, BILLING decides.
    (BILLING, "Profile invoicingDayQuote billing"),
    # PER-1: what a balance is, BILLING is told, whatever the quote.
    *(
        group
        for kind in (
            *("AccountOpenQuote", "PlanChangeQuote", "InvoicingDayQuote"),
            *("UrgentTicketQuote", "TransferQuote", "InterventionQuote"),
        )
        for group in (
            (BILLING, f"{kind} balanceAfter"),
            (SEEN, f"{kind} token blockers expiresAt charge refund lines invoicedOn dueOn warnings"),
        )
    ),
    # The contract says: BILLING and ACCOUNT_MANAGEMENT, which CONTRACT_PENDING stops.
    (SUBSCRIBED, "Profile contracts"),
    # PER-5 and PER-8 grants; PRO-15 activity.
    (OWNER, "Profile grantsGiven grantsReceived activity"),
    # PRO-5, PRO-6, PRO-8, TOK-2: all of it stands under the gates above.
    (SEEN, "Security id twoFactorEnabled recoveryCodesLeft ipAllowlist pendingEmail"),
    (SEEN, "Security passwordChangedAt sessions apiTokens"),
    (SEEN, "Session id method twoFactorVerified ipAddress userAgent createdAt lastSeenAt"),
    (SEEN, "Session expiresAt current"),
    (SEEN, "ApiToken id name prefix ipAllowlist enabled readOnly onlyOwner onlyAccount"),
    (SEEN, "ApiToken createdAt expiresAt lastUsedAt lastUsedFrom"),
    # PRO-15.
    (SEEN, "ActivityEvent id occurredAt actor channel action summary subject ipAddress owner"),
    (SEEN, "ActivityEvent apiToken changes reason"),
    # PER-8, a choice: `accounts` and `servers` hold what the viewer may see.
    (SEEN, "PermissionGrant id owner grantee overall accounts servers requiresTwoFactor"),
    (SEEN, "PermissionGrant createdAt updatedAt"),
    # PER-4, the fine print (name, plan, state), PER-13.  Account.server asks for the server's own gate.
    (SEEN, "Account id name defaultHostname owner location server plan status createdAt"),
    (SEEN, "Account serverStatus viewerIsOwner viewerPermissions viewerActions viewerCan"),
    # ACC-10: each figure by its own permission.
    (Rule(owner=True, account=_names("USAGE")), "Account usage"),
    (Rule(owner=True, account=_names("STATISTICS")), "Account statistics"),
    # PER-2 and PER-3: RESOURCES on the account, or on its server (resource limits per account).
    (
        Rule(owner=True, account=_names("RESOURCES"), server=_names("RESOURCES")),
        "Account resources",
    ),
    # PER-2; ALE-3: lists hold what the viewer may see.
    (Rule(owner=True, account=_names("MIGRATION")), "Account scheduledMigration"),
    (SEEN, "Account alerts"),
    # PER-1, as Profile.subscriptions.
    (SUBSCRIBED, "Account subscription"),
    # ACC-6, PER-1: whoever may change the plan may ask what that costs.
    (MANAGEMENT, "Account planChangeQuote"),
    (SUBSCRIBED, "Server subscription"),
    # ACC-8, PER-5: only the owner transfers; that it waits is known to whoever manages accounts.
    (OWNER, "Account transferQuote"),
    (OWNER, "Server transferQuote"),
    (MANAGEMENT, "Account pendingTransfer"),
    (MANAGEMENT, "Server pendingTransfer"),
    (SUBSCRIBED, "Profile transfers"),
    (SEEN, "Transfer id item sender recipient mode status createdAt expiresAt closedAt viewerActions viewerCan"),
    # ACC-8: each side its own figures.
    (BILLING, "Transfer senderRefund"),
    (Rule(overall=_names("BILLING"), parties=("recipient",)), "Transfer recipientQuote"),
    # PER-5: renaming, deleting and granting; ACC-4 and ACC-5; PRO-15.
    (OWNER, "Account grants activity renamePreview deletionPreview"),
    (OWNER, "Server grants deletionPreview"),
    (OWNER, "Profile deletionPreview"),
    (SEEN, "Export id status downloadUrl expiresAt"),
    # PER-4 (the server and its configuration), PER-13.
    (SEEN, "Server id name owner plan createdAt configuration"),
    (SEEN, "Server viewerCan viewerIsOwner viewerPermissions"),
    # PER-4, PER-3: CONSUMPTION shows the server's accounts and its state.
    (ON_SERVER, "Server accounts"),
    (CONSUMPTION, "Server health"),
    # CAT-2, PER-1: what it costs is BILLING's, cancelling it ACCOUNT_MANAGEMENT's.
    (CONCERNED, "Server interventions"),
    (SUBSCRIBED, "Server interventionQuote"),
    (SEEN, "Intervention id server codes status scheduledFor"),
    (BILLING, "Intervention price"),
    (MANAGEMENT, "Intervention cancelQuote"),
    # BIL-19; PER-1.
    (SEEN, "Contract id title version acceptedAt documentUrl"),
    # The contract says.
    (SEEN, "ServiceSubscription committedUntil discounts"),
    (BILLING, "ServiceSubscription price"),
    (SEEN, "ServiceSubscription id item label plan period status periodStart periodEnd renews"),
    # PER-1: everything of it is BILLING's, by its gate.
    (SEEN, "Billing id profile balance nonRefundable amountDue pendingCharges ledger invoices invoicingDay forecast"),
    (SEEN, "Invoice id number kind status issuedOn dueOn paidAt billedTo lines total taxes corrects creditNotes"),
    (SEEN, "Billing payments paymentMethods bankDetails"),
    (SEEN, "Invoice amountDue allocations payments"),
    (SEEN, "Payment id amount status kind method invoices createdAt settledAt nextAction failure receiptNumber"),
    (SEEN, "CardPaymentMethod id label default autoDebit usable createdAt brand last4 expiresOn"),
    (SEEN, "Alert id kind status subject title body openedAt remindedAt expiresAt consequence closedAt"),
    (SEEN, "Migration id account server status scheduledFor summary"),
    # TIC-2: everything of it is for whoever sees it, but what it may cost.
    (SEEN, "Ticket id number profile subject category priority status account server openedBy createdAt updatedAt"),
    (SEEN, "Ticket messages viewerHasUnread viewerActions viewerCan"),
    (FEE, "Ticket urgentFee"),
    (SEEN, "UrgentFee status amount"),
    (BILLING, "UrgentFee invoice"),
    (SEEN, "TicketMessage id ticket author body createdAt attachments"),
    (SEEN, "Attachment id filename contentType byteSize url"),
    # TIC-4: whoever may open an urgent ticket about it.
    (MAY_CALL, "Server urgentTicketQuote"),
    (SEEN, "LedgerEntry id kind amount balanceAfter bookedAt label source allocations"),
    # the catalogue, ACC-3.
    (PUBLIC, "Plan id code name kind diskGigabytes memoryMegabytes cpuCores backupDays prices"),
    (PUBLIC, "Plan free available serviceLevel urgentTickets restrictions"),
    (PUBLIC, "Catalog plans programs serverOptions interventionRates urgentTicketFee"),
    (PUBLIC, "Catalog referralTerms accountNameAvailable"),
    # EVT-4, the fine print (an unverified profile sees its sandbox mails).
    (SEEN, "Sandbox id now mails testCards"),
    (SEEN, "SandboxMail id sentAt template subject text token"),
    # Contract convention 1: roots without a session; PER-11: other root fields need one.
    (PUBLIC, "Query viewer session catalog rateLimit"),
    (SEEN, "Query account server invoice ticket sandbox"),
)


def _expand(groups: tuple[tuple[Rule, str], ...]) -> dict[str, Rule]:
    table: dict[str, Rule] = {}
    for rule, words in groups:
        kind, *fields = words.split()
        table |= {f"{kind}.{field}": rule for field in fields}
    return table


FIELDS: Final[dict[str, Rule]] = _expand(_GROUPS)

# Where a field leads to one object of another type (its list fields hold what the viewer may see).
LEADS_TO: Final[dict[str, str]] = {
    "Query.account": "Account",
    "Query.server": "Server",
    "Query.invoice": "Invoice",
    "Query.ticket": "Ticket",
    "Ticket.profile": "Profile",
    "TicketMessage.ticket": "Ticket",
    "Query.sandbox": "Sandbox",
    "Query.catalog": "Catalog",
    "Profile.security": "Security",
    "Profile.billing": "Billing",
    "Billing.profile": "Profile",
    "LedgerEntry.source": "Invoice",
    "Payment.method": "CardPaymentMethod",
    "Account.owner": "Profile",
    "Account.server": "Server",
    "Account.plan": "Plan",
    "Account.subscription": "ServiceSubscription",
    "Account.scheduledMigration": "Migration",
    "Account.pendingTransfer": "Transfer",
    "Server.owner": "Profile",
    "Intervention.server": "Server",
    "Server.plan": "Plan",
    "Server.subscription": "ServiceSubscription",
    "ServiceSubscription.plan": "Plan",
    "PermissionGrant.owner": "Profile",
    "ActivityEvent.owner": "Profile",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A mutation: what it is about, who may, and which refusals its @fails makes user errors.

    `about` is a type of object, found by an id of the input, or "viewer": the caller's own profile,
    whatever the object.  `further` is the type of a further id, which is then the object.
    """

    about: str
    rule: Rule
    further: str = ""
    user_errors: Names = NONE


_TWO_FACTORS: Final = Rule(owner=True, interactive=True, two_factor=True)
_SELF: Final = Call(about="viewer", rule=OWNER_IN_PERSON)
_ANYBODY: Final = Call(about="viewer", rule=PUBLIC)

MUTATIONS: Final[dict[str, Call]] = {
    # PRO-1, PRO-7, PRO-8, contract @public: before or without a session.
    "profileRegister": _ANYBODY,
    "emailVerify": _ANYBODY,
    "sessionCreate": _ANYBODY,
    "sessionVerifyTwoFactor": _ANYBODY,
    "sessionRefresh": _ANYBODY,
    "passwordResetRequest": _ANYBODY,
    "passwordReset": _ANYBODY,
    "accessRecoveryRequest": _ANYBODY,
    # PER-5, TOK-3: credentials and identity, one's own, in person.
    "passwordChange": _SELF,
    "emailChange": _SELF,
    "emailVerificationResend": _SELF,
    "twoFactorEnroll": _SELF,
    "twoFactorActivate": _SELF,
    "twoFactorDisable": _SELF,
    # The contract says: two factors.
    "recoveryCodesRegenerate": Call(about="viewer", rule=_TWO_FACTORS),
    "ipAllowlistUpdate": _SELF,
    "profileUpdate": _SELF,
    # PER-5, TOK-3, PRO-9: in person.
    "profileDelete": _SELF,
    # PRO-10, TOK-3: in person.
    "dataExport": _SELF,
    # PRO-8 (called with a session's id), TOK-3.
    "sessionDelete": Call(about="Session", rule=OWNER_IN_PERSON),
    # TOK-1: two factors to create, change or regenerate, asked before anything else (choice TOK-1); not to revoke.
    "apiTokenCreate": Call(about="viewer", rule=_TWO_FACTORS, user_errors=_names("TWO_FACTOR_NOT_ENABLED")),
    "apiTokenUpdate": Call(about="ApiToken", rule=_TWO_FACTORS),
    "apiTokenRegenerate": Call(about="ApiToken", rule=_TWO_FACTORS),
    "apiTokenDelete": Call(about="ApiToken", rule=OWNER_IN_PERSON),
    # EVT-4, the fine print: anyone signed in, integrators' tokens too, but narrowed ones (choice TOK-3).
    "sandboxClockAdvance": Call(about="Sandbox", rule=SEEN),
    # BIL-19: the profile it binds; TOK-3 does not keep tokens from it.  The contract says: ACCOUNT_MANAGEMENT too.
    "contractAccept": Call(about="Contract", rule=MANAGEMENT),
    # PER-5, TOK-3: the owner in person; the object is an account or server named in the grant.
    "permissionGrantSave": Call(about="viewer", rule=OWNER_IN_PERSON, further="Account"),
    "permissionGrantRevoke": Call(about="PermissionGrant", rule=OWNER_IN_PERSON),
    # PER-8: the holder.  The contract says: by token too, which gives up and gets nothing.
    "permissionGrantRenounce": Call(about="PermissionGrant", rule=Rule(parties=("grantee",))),
    # PER-1, PER-4: on a server too; contract @fails.
    "accountOpen": Call(
        about="Profile",
        rule=MANAGEMENT,
        user_errors=_names("PROFILE_SUSPENDED EMAIL_NOT_VERIFIED"),
    ),
    # ACC-6, PER-1; contract @fails.
    "accountPlanChange": Call(
        about="Account",
        rule=MANAGEMENT,
        user_errors=_names("PROFILE_SUSPENDED EMAIL_NOT_VERIFIED"),
    ),
    # BIL-5, PER-1; contract @fails.
    "invoicingDayUpdate": Call(
        about="Profile",
        rule=BILLING,
        user_errors=_names("PROFILE_SUSPENDED EMAIL_NOT_VERIFIED"),
    ),
    # BIL-8, BIL-9, PER-1: whoever holds BILLING pays, and keeps what is paid with.
    "balanceTopUp": Call(about="Profile", rule=BILLING),
    "invoicePay": Call(about="Profile", rule=BILLING),
    "paymentConfirm": Call(about="Payment", rule=BILLING),
    "paymentCancel": Call(about="Payment", rule=BILLING),
    "paymentMethodAdd": Call(about="Profile", rule=BILLING),
    "paymentMethodConfirm": Call(about="CardPaymentMethod", rule=BILLING),
    "paymentMethodUpdate": Call(about="CardPaymentMethod", rule=BILLING),
    "paymentMethodRemove": Call(about="CardPaymentMethod", rule=BILLING),
    # TIC-1: one's own files. TIC-2: of a ticket about billing, the others are in tests/test_ticket.py.
    "uploadCreate": Call(about="viewer", rule=OWNER),
    "ticketOpen": Call(about="Profile", rule=BILLING),
    "ticketReply": Call(about="Ticket", rule=BILLING),
    "ticketClose": Call(about="Ticket", rule=BILLING),
    "ticketReopen": Call(about="Ticket", rule=BILLING),
    "ticketMarkRead": Call(about="Ticket", rule=BILLING),
    # BIL-4, PER-1: subscriptions are ACCOUNT_MANAGEMENT's.
    "subscriptionRenewalUpdate": Call(about="ServiceSubscription", rule=MANAGEMENT),
    # PER-2, PER-3.
    "migrationApply": Call(
        about="Migration", rule=Rule(owner=True, account=_names("MIGRATION"), server=_names("MIGRATION"))
    ),
    # CAT-2, PER-1.
    "interventionCancel": Call(
        about="Intervention",
        rule=MANAGEMENT,
        user_errors=_names("PROFILE_SUSPENDED EMAIL_NOT_VERIFIED"),
    ),
    # PER-5; TOK-3: a token may rename, never delete.
    "accountRename": Call(about="Account", rule=OWNER),
    "accountDelete": Call(about="Account", rule=OWNER_IN_PERSON),
    "serverRename": Call(about="Server", rule=OWNER),
    # ACC-8, PER-5; the contract says: tokens may offer and decline. Accepting is for people.
    "transferStart": Call(about="Account", rule=OWNER, user_errors=_names("PROFILE_SUSPENDED")),
    "transferCancel": Call(about="Transfer", rule=OWNER),
    "transferAccept": Call(
        about="Transfer",
        rule=Rule(parties=("recipient",), interactive=True),
        user_errors=_names("PROFILE_SUSPENDED EMAIL_NOT_VERIFIED"),
    ),
    "transferDecline": Call(about="Transfer", rule=Rule(parties=("recipient",))),
    "serverDelete": Call(about="Server", rule=OWNER_IN_PERSON),
}

# EVT-1, PER-11: who may follow what, by the id that an argument names; "viewer" is one's own.
LIVE: Final[dict[str, Call]] = {
    # The contract says: whoever holds anything overall; what is sent then is ALE-3's, in tests/test_live.py.
    "alertChanged": Call(about="Profile", rule=ANY_OVERALL),
    "paymentUpdated": Call(about="Payment", rule=BILLING),
    "billingChanged": Call(about="Profile", rule=BILLING),
    # TIC-2: of a ticket about billing, the others are in tests/test_ticket.py.
    "ticketUpdated": Call(about="Ticket", rule=BILLING),
    "ticketMessageAdded": Call(about="Ticket", rule=BILLING),
    # PRO-10; the contract says: the owner, tokens too.
    "exportUpdated": Call(about="Export", rule=OWNER),
    # PRO-15: the owner's.
    "activityRecorded": Call(about="viewer", rule=OWNER),
}

# PRO-12, a choice: what a suspended profile may still do (beside what is public).
OPEN_WHILE_SUSPENDED: Final[Names] = _names(
    "passwordChange emailChange emailVerificationResend twoFactorEnroll twoFactorActivate"
    " twoFactorDisable recoveryCodesRegenerate ipAllowlistUpdate profileUpdate sessionDelete"
    " apiTokenCreate apiTokenUpdate apiTokenRegenerate apiTokenDelete sandboxClockAdvance"
    " contractAccept permissionGrantRevoke permissionGrantRenounce transferCancel transferDecline"
    # PRO-12: a suspended profile can still pay.
    " balanceTopUp invoicePay paymentConfirm paymentCancel"
    " paymentMethodAdd paymentMethodConfirm paymentMethodUpdate paymentMethodRemove"
    # PRO-9, a choice: and leave, once nothing is owed.
    " profileDelete dataExport"
    # PRO-12: and open tickets.
    " uploadCreate ticketOpen ticketReply ticketClose ticketReopen ticketMarkRead"
)
# the fine print: an unverified profile may sign in (and out) and ask for its verification mail; no more.
OPEN_WHILE_UNVERIFIED: Final[Names] = _names("sessionDelete emailVerificationResend")
