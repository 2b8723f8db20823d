"""The oracle: what each kind of caller is answered, by the rules and the table.

`expected_read` is the answer where the object is reached directly: by `node`, or for "Query.x" by
that root field.  Reached through a parent it is the parent's answer unless that is VALUE, then the
direct one (`expected_through`).  The two differ where a guarded field leads to a gated object:
directly it is NOT_FOUND, through the field FORBIDDEN (Profile.security, contracts, activity,
grantsGiven; Account.grants, activity; x.subscription) or TWO_FACTOR_REQUIRED.  Also:
 - Account.grants, Server.grants are FORBIDDEN to a holder who reads their own grant by `node`;
 - Server.accounts is FORBIDDEN to holders of BILLING or server RESOURCES, who read each account by
   `node` and in Profile.accounts;
 - an anonymous caller gets UNAUTHENTICATED from Query.account, server, sandbox; null from `node`;
 - Query.viewer and Query.session are null for some tokens (`stands_for`).
"""

from dataclasses import replace
from typing import Final

from tests.matrix import table
from tests.matrix.callers import CALLERS, OWNED, Caller, Outcome, Target
from tests.matrix.table import NONE, Call, Names, Rule

__all__ = [
    "CALLERS",
    "CHOSEN",
    "Caller",
    "Outcome",
    "Target",
    "account_rights",
    "expected_mutation",
    "expected_read",
    "expected_through",
    "helping",
    "missing",
    "sees",
    "server_rights",
    "stands_for",
]

# Where the rules are silent and an answer was chosen: a difference here is a question, not yet a fault.
CHOSEN: Final[dict[str, str]] = {
    "Profile.emailVerified": "owner only, by default",
    "Profile.locale": "owner only, by default",
    "Profile.security": "no token reads credentials; TOK-3 says only manage",
    "Profile.subscriptions": "BILLING beside ACCOUNT_MANAGEMENT; so are the other subscriptions",
    "Account.usage": "USAGE of the account only; not the server's CONSUMPTION",
    "Account.resources": "the server's RESOURCES too; TECHNICAL_ACCOUNT reads null in Public Cloud",
    "Account.subscription": "see Profile.subscriptions",
    "Account.grants": "a token narrowed to the account may; none of the grants is shown to it",
    "Account.activity": "a token narrowed to the account may; none of the events is shown to it",
    "Account.deletionPreview": "tokens read it, although they may not delete",
    "Server.subscription": "see Profile.subscriptions",
    "Server.health": "CONSUMPTION (accounts and server status); the rules name nobody",
    "Server.deletionPreview": "tokens read it, although they may not delete",
    "Sandbox": "not for narrowed tokens",
    "SandboxMail": "choice TOK-3: no token reads mails, since they carry links that reset a password",
    "emailVerificationResend": "in person: identity",
    "apiTokenCreate": "choice TOK-1: one factor is TWO_FACTOR_REQUIRED, also where two are off",
    "apiTokenUpdate": "as apiTokenCreate, and before the token is looked for",
    "apiTokenRegenerate": "as apiTokenCreate, and before the token is looked for",
    "Query.viewer": "choice TOK-3: null for a token that is narrowed to somebody else's",
    "Query.session": "choice TOK-3: null for a token",
    "sandboxClockAdvance": "tokens may, narrowed ones not (TOKEN_SCOPE); not while unverified",
    "unverified": "OPEN_WHILE_UNVERIFIED: the fine print says nothing else, the choices more",
    "public": "a read-only token is refused even the @public mutations",
}


OF_ACCOUNT: Final = frozenset({"Account", "Alert", "Migration"})
"""Types of which every object is an account, or of the account in the public cloud."""


def account_rights(caller: Caller, kind: str, target: Target) -> Names:
    """PER-1, PER-2: what a delegate holds on an account; TECHNICAL_ACCOUNT is all twenty."""
    if kind not in OF_ACCOUNT or target not in OWNED:
        return NONE
    if "TECHNICAL_ACCOUNT" in caller.overall:
        return frozenset(table.ACCOUNT)
    if target is Target.OWN_ON_SERVER:
        return caller.account
    return caller.account - {"RESOURCES"}


def server_rights(caller: Caller, kind: str, target: Target) -> Names:
    """PER-1, PER-3: what a delegate holds on a server, or on the one that an account is on."""
    on_server = kind == "Account" and target is Target.OWN_ON_SERVER
    if not on_server and not (kind in ("Server", "Intervention") and target in OWNED):
        return NONE
    return frozenset(table.SERVER) if "TECHNICAL_SERVER" in caller.overall else caller.server


def stands_for(caller: Caller, coordinate: str) -> bool:
    """Whether Query.viewer or Query.session is there for a caller (null without a session)."""
    if coordinate == "Query.session":
        return caller.role != "anonymous" and not caller.token  # choice TOK-3
    of_others = caller.narrowed == "another owner" or (caller.narrowed == "account" and caller.role != "owner")
    return caller.role != "anonymous" and not of_others  # choice TOK-3


def _passes(caller: Caller, rule: Rule, kind: str, target: Target) -> bool:
    """Whether a rule names the caller, whose grant counts (PER-6, PER-7)."""
    if caller.role == "owner":
        return rule.owner
    if "recipient" in rule.parties and not rule.owner:
        return False  # ACC-8: of these callers nobody is offered anything, nor has anything of who is
    if caller.role != "delegate" or not caller.verified:
        return False
    if "grantee" in rule.parties:
        return True  # PER-8: also while the grant waits for a second factor
    if caller.flagged and not caller.two_factors:
        return False
    held_here = account_rights(caller, kind, target) & rule.account
    held_on_server = server_rights(caller, kind, target) & rule.server
    return bool(caller.overall & rule.overall or held_here or held_on_server)


def _in_scope(caller: Caller, kind: str, target: Target) -> bool:
    """TOK-3: what a narrowed token may meet of the owner's."""
    if caller.narrowed == "another owner":
        return False
    if caller.narrowed == "account":
        return target is Target.OWN and kind in {*OF_ACCOUNT, "Profile", "ServiceSubscription", "Transfer"}
    return True


def sees(caller: Caller, kind: str, target: Target) -> bool:
    """The object gate (PER-12): whether the caller may know that the object exists."""
    gate = table.GATES[kind]
    if target is Target.OWN_ON_SERVER and kind != "Account":
        target = Target.OWN
    if target is Target.ABSENT:
        return kind == "Catalog"
    if gate.public:
        return True
    if caller.role == "anonymous" or not _in_scope(caller, kind, target):
        return False
    if "viewer" in gate.parties:
        return True
    if target not in OWNED or (gate.interactive and caller.token):
        return False
    return _passes(caller, gate, kind, target)


def _requirement(caller: Caller, rule: Rule, kind: str, target: Target) -> Outcome | None:
    """What keeps a caller, who sees the object, from a field or mutation of it; None: nothing."""
    if rule.public or rule.anybody_who_sees:
        return None
    if rule.interactive and caller.token:
        return Outcome.TOKEN_SCOPE
    of_recipient = "recipient" in rule.parties and not rule.owner
    if (kind == "Profile" or of_recipient) and caller.narrowed == "account":
        return Outcome.TOKEN_SCOPE
    if _passes(caller, rule, kind, target):
        return None
    if _passes(replace(caller, two_factors=True), rule, kind, target):
        return Outcome.TWO_FACTOR_REQUIRED
    names_one = rule.overall or rule.account or rule.server
    return Outcome.PERMISSION_MISSING if names_one else Outcome.OWNER_ONLY


def _expected_root(caller: Caller, coordinate: str, target: Target) -> Outcome:
    """A field of Query; null is the VALUE of `viewer` and `session` without a session."""
    if table.FIELDS[coordinate].public:
        return Outcome.VALUE
    if caller.role == "anonymous":
        return Outcome.UNAUTHENTICATED
    seen = sees(caller, table.LEADS_TO[coordinate], target)
    return Outcome.VALUE if seen else Outcome.NOT_FOUND


def expected_read(caller: Caller, coordinate: str, target: Target) -> Outcome:
    """The answer to one field of an object that is reached directly."""
    if caller.wrong_address:
        return Outcome.IP_NOT_ALLOWED  # PRO-6: the whole request
    kind, _, _field = coordinate.partition(".")
    if kind == "Query":
        return _expected_root(caller, coordinate, target)
    if not sees(caller, kind, target):
        return Outcome.NOT_FOUND
    on_server = target is Target.OWN_ON_SERVER
    if coordinate == "Account.server" and on_server and not sees(caller, "Server", target):
        return Outcome.NOT_FOUND
    refusal = _requirement(caller, table.FIELDS[coordinate], kind, target)
    return refusal or Outcome.VALUE


def expected_through(caller: Caller, path: tuple[str, ...], target: Target) -> Outcome:
    """The answer at the end of a path of coordinates, e.g. Profile.security, Security.sessions."""
    for coordinate in path[:-1]:
        outcome = expected_read(caller, coordinate, target)
        if outcome is not Outcome.VALUE:
            return outcome
    return expected_read(caller, path[-1], target)


def _standing(caller: Caller, mutation: str, call: Call) -> Outcome | None:
    """the fine print, PRO-12: the caller is not verified; the caller or the object's owner suspended."""
    if not caller.verified and mutation not in table.OPEN_WHILE_UNVERIFIED:
        as_data = "EMAIL_NOT_VERIFIED" in call.user_errors
        return Outcome.ERROR_EMAIL_NOT_VERIFIED if as_data else Outcome.EMAIL_NOT_VERIFIED
    about_owner = call.about not in {"viewer", "Sandbox"}
    suspended = caller.suspended or (caller.owner_suspended and about_owner)
    if suspended and mutation not in table.OPEN_WHILE_SUSPENDED:
        as_data = "PROFILE_SUSPENDED" in call.user_errors
        return Outcome.ERROR_PROFILE_SUSPENDED if as_data else Outcome.PROFILE_SUSPENDED
    return None


def _about_object(caller: Caller, call: Call, target: Target) -> Outcome | None:
    """Decision 10: the object's gate, then the requirement on it."""
    if call.about == "viewer":  # everybody owns their own profile, and a narrowed token reaches it not
        return Outcome.TOKEN_SCOPE if caller.narrowed else None
    if call.about == "Sandbox" and caller.narrowed:
        return Outcome.TOKEN_SCOPE  # no id to be wrong
    if not sees(caller, call.about, target):
        return Outcome.ERROR_NOT_FOUND
    return _requirement(caller, call.rule, call.about, target)


def _further(caller: Caller, call: Call, target: Target) -> Outcome | None:
    """the fine print: every further id must belong to the subject's owner."""
    if call.further and (caller.role != "owner" or target not in OWNED):
        return Outcome.ERROR_NOT_FOUND
    return None


def expected_mutation(caller: Caller, mutation: str, target: Target) -> Outcome:
    """The answer to a mutation with otherwise good input, in the order of the questions."""
    call = table.MUTATIONS[mutation]
    if caller.wrong_address:
        return Outcome.IP_NOT_ALLOWED
    if caller.role == "anonymous":
        return Outcome.PASSED if call.rule.public else Outcome.UNAUTHENTICATED
    if caller.read_only or (call.rule.interactive and caller.token):
        return Outcome.TOKEN_SCOPE
    if call.rule.public:
        return Outcome.PASSED
    if call.rule.two_factor and not caller.two_factors:
        return Outcome.TWO_FACTOR_REQUIRED  # choice TOK-1: of the session, like the questions above
    return (
        _about_object(caller, call, target)
        or _standing(caller, mutation, call)
        or _further(caller, call, target)
        or Outcome.PASSED
    )


def expected_live(caller: Caller, field: str, target: Target) -> Outcome:
    """The answer to who would follow something; to listen is to read, whatever the standing (PRO-12)."""
    call = table.LIVE[field]
    if caller.wrong_address:
        return Outcome.IP_NOT_ALLOWED
    if caller.role == "anonymous":
        return Outcome.UNAUTHENTICATED
    if call.rule.interactive and caller.token:
        return Outcome.TOKEN_SCOPE
    refusal = _about_object(caller, call, target)
    return Outcome.NOT_FOUND if refusal is Outcome.ERROR_NOT_FOUND else refusal or Outcome.PASSED


def helping(name: str) -> Names:
    """Every permission that would help with a coordinate or a mutation; none: owner only."""
    rule = table.FIELDS[name] if "." in name else table.MUTATIONS[name].rule
    return rule.overall | rule.account | rule.server


def missing(name: str) -> str | None:
    """The one that a FORBIDDEN names: the first of them in the order of PER-1 to PER-3."""
    order = (*table.OVERALL, *table.ACCOUNT, *table.SERVER)
    return next((permission for permission in order if permission in helping(name)), None)
