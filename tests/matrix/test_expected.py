"""Hand-picked cells of the oracle, each with the rule it was read from."""

import pytest

from tests.matrix import table
from tests.matrix.expected import (
    CALLERS,
    Outcome,
    Target,
    expected_mutation,
    expected_read,
    expected_through,
    helping,
    missing,
    sees,
)

OWN, HOSTED, OTHER, ABSENT = Target.OWN, Target.OWN_ON_SERVER, Target.OTHER, Target.ABSENT

READS = (
    # PER-4, ACC-10, a choice
    ("account:SITES", "Account.name", OWN, "VALUE"),
    ("account:SITES", "Account.serverStatus", OWN, "VALUE"),
    ("account:SITES", "Account.usage", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("account:USAGE", "Account.usage", OWN, "VALUE"),
    ("account:STATISTICS", "Account.usage", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("overall:TECHNICAL_ACCOUNT", "Account.usage", OWN, "VALUE"),
    ("overall:BILLING", "Account.name", OWN, "VALUE"),
    ("overall:BILLING", "Account.usage", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    # PER-2: RESOURCES only where the account is on a server
    ("account:RESOURCES", "Account.name", OWN, "NOT_FOUND"),
    ("account:RESOURCES", "Account.resources", HOSTED, "VALUE"),
    # PER-4, decisions 2 and 3: what a server shows of its accounts, and they of it
    ("server:CONSUMPTION", "Account.name", HOSTED, "VALUE"),
    ("server:CONSUMPTION", "Account.name", OWN, "NOT_FOUND"),
    ("server:CONSUMPTION", "Server.accounts", OWN, "VALUE"),
    ("server:RESOURCES", "Account.resources", HOSTED, "VALUE"),
    ("server:FIREWALL", "Account.name", HOSTED, "NOT_FOUND"),
    ("server:FIREWALL", "Server.configuration", OWN, "VALUE"),
    ("server:FIREWALL", "Server.health", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("overall:TECHNICAL_SERVER", "Account.name", HOSTED, "VALUE"),
    ("overall:TECHNICAL_SERVER", "Account.name", OWN, "NOT_FOUND"),
    ("overall:TECHNICAL_ACCOUNT", "Server.name", OWN, "NOT_FOUND"),
    ("account:SITES", "Account.server", HOSTED, "NOT_FOUND"),
    ("account:SITES", "Account.server", OWN, "VALUE"),
    # PER-1, a choice: the profile and its own permissions
    ("overall:BILLING", "Profile.identity", OWN, "VALUE"),
    ("account:SITES", "Profile.displayName", OWN, "VALUE"),
    ("account:SITES", "Profile.identity", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("overall:ACCOUNT_MANAGEMENT", "Profile.accountOpenQuote", OWN, "VALUE"),
    ("overall:BILLING", "Profile.accountOpenQuote", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    # PER-5, PRO-15, TOK-3
    ("overall:BILLING", "Profile.security", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("overall:BILLING", "Profile.activity", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("overall:TECHNICAL_ACCOUNT", "Account.renamePreview", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("overall:TECHNICAL_ACCOUNT", "Account.grants", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("account:SITES", "PermissionGrant.overall", OWN, "VALUE"),
    ("stranger", "PermissionGrant.overall", OWN, "NOT_FOUND"),
    # PER-6, a choice: a flagged grant and one factor
    ("flagged_one_factor", "Account.name", OWN, "NOT_FOUND"),
    ("flagged_one_factor", "Server.name", OWN, "NOT_FOUND"),
    ("flagged_one_factor", "Profile.displayName", OWN, "VALUE"),
    ("flagged_one_factor", "Profile.identity", OWN, "TWO_FACTOR_REQUIRED"),
    ("flagged_one_factor", "Profile.grantsGiven", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("flagged_two_factors", "Profile.identity", OWN, "VALUE"),
    ("token_delegate", "Account.usage", OWN, "VALUE"),
    # TOK-3, a choice
    ("token", "Account.usage", OWN, "VALUE"),
    ("token", "Profile.security", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    ("token_other_owner", "Account.name", OWN, "NOT_FOUND"),
    ("token_account", "Account.usage", OWN, "VALUE"),
    ("token_account", "Account.name", HOSTED, "NOT_FOUND"),
    ("token_account", "Profile.email", HOSTED, "VALUE"),
    ("token_account", "Profile.identity", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    ("owner_one_factor", "SandboxMail.text", OWN, "VALUE"),
    ("token", "SandboxMail.text", OWN, "NOT_FOUND"),
    # PER-1, the contract: subscriptions and what an account costs
    ("overall:BILLING", "ServiceSubscription.plan", OWN, "VALUE"),
    ("overall:ACCOUNT_MANAGEMENT", "ServiceSubscription.periodEnd", OWN, "VALUE"),
    ("overall:TECHNICAL_ACCOUNT", "ServiceSubscription.plan", OWN, "NOT_FOUND"),
    ("overall:TECHNICAL_ACCOUNT", "Account.subscription", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("account:SITES", "Account.plan", OWN, "VALUE"),
    ("account:SITES", "Profile.subscriptions", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("flagged_one_factor", "Profile.subscriptions", OWN, "TWO_FACTOR_REQUIRED"),
    ("flagged_one_factor", "ServiceSubscription.label", OWN, "NOT_FOUND"),
    ("token_account", "ServiceSubscription.label", OWN, "VALUE"),
    ("token_account", "Account.subscription", OWN, "VALUE"),
    ("token_account", "Profile.subscriptions", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    ("token_account", "Profile.accountOpenQuote", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    # PRO-6, PRO-12, the fine print, PER-7, PER-12
    ("owner_wrong_address", "Plan.name", OWN, "IP_NOT_ALLOWED"),
    ("owner_suspended", "Account.usage", OWN, "VALUE"),
    ("unverified", "SandboxMail.text", OWN, "VALUE"),
    ("unverified_delegate", "Profile.email", OWN, "NOT_FOUND"),
    ("owner_two_factors", "Account.name", OTHER, "NOT_FOUND"),
    ("anonymous", "Account.name", OWN, "NOT_FOUND"),
    ("anonymous", "Query.account", OWN, "UNAUTHENTICATED"),
    ("anonymous", "Plan.prices", OWN, "VALUE"),
    ("staff", "Profile.email", OWN, "NOT_FOUND"),
)

CALLS = (
    # PER-1, PER-4, contract @fails
    ("overall:ACCOUNT_MANAGEMENT", "accountOpen", OWN, "PASSED"),
    ("overall:BILLING", "accountOpen", OWN, "FORBIDDEN:PERMISSION_MISSING"),
    ("stranger", "accountOpen", OWN, "USER_ERROR:NOT_FOUND"),
    ("flagged_one_factor", "accountOpen", OWN, "TWO_FACTOR_REQUIRED"),
    ("owner_suspended", "accountOpen", OWN, "USER_ERROR:PROFILE_SUSPENDED"),
    ("delegate_of_suspended", "accountOpen", OWN, "USER_ERROR:PROFILE_SUSPENDED"),
    ("unverified", "accountOpen", OWN, "USER_ERROR:EMAIL_NOT_VERIFIED"),
    ("token_account", "accountOpen", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    ("token", "accountOpen", OWN, "PASSED"),
    ("token_read_only", "accountOpen", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    ("token_other_owner", "accountOpen", OWN, "USER_ERROR:NOT_FOUND"),
    ("unverified_delegate", "accountOpen", OWN, "USER_ERROR:NOT_FOUND"),
    # PER-5, PER-12
    ("overall:ACCOUNT_MANAGEMENT", "accountDelete", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("server:FIREWALL", "accountRename", HOSTED, "USER_ERROR:NOT_FOUND"),
    ("flagged_one_factor", "accountRename", OWN, "USER_ERROR:NOT_FOUND"),
    ("owner_one_factor", "accountRename", OWN, "PASSED"),
    ("owner_one_factor", "accountRename", OTHER, "USER_ERROR:NOT_FOUND"),
    # TOK-1, TOK-3
    ("token", "accountRename", OWN, "PASSED"),
    ("token", "accountDelete", ABSENT, "FORBIDDEN:TOKEN_SCOPE"),
    ("token_read_only", "accountRename", OWN, "FORBIDDEN:TOKEN_SCOPE"),
    ("owner_one_factor", "apiTokenCreate", OWN, "TWO_FACTOR_REQUIRED"),
    ("stranger", "apiTokenUpdate", OWN, "TWO_FACTOR_REQUIRED"),
    ("unverified", "apiTokenUpdate", OTHER, "USER_ERROR:NOT_FOUND"),
    ("owner_stale_session", "apiTokenCreate", OWN, "TWO_FACTOR_REQUIRED"),
    ("owner_stale_session", "apiTokenRegenerate", OWN, "TWO_FACTOR_REQUIRED"),
    ("owner_stale_session", "apiTokenDelete", OWN, "PASSED"),
    # PER-8, the fine print (further ids), PRO-12
    ("account:SITES", "permissionGrantRenounce", OWN, "PASSED"),
    ("flagged_one_factor", "permissionGrantRenounce", OWN, "PASSED"),
    ("account:SITES", "permissionGrantRevoke", OWN, "FORBIDDEN:OWNER_ONLY"),
    ("account:SITES", "permissionGrantSave", OWN, "USER_ERROR:NOT_FOUND"),
    ("owner_suspended", "permissionGrantSave", OWN, "FORBIDDEN:PROFILE_SUSPENDED"),
    ("owner_suspended", "permissionGrantRevoke", OWN, "PASSED"),
    ("owner_suspended", "accountRename", OTHER, "USER_ERROR:NOT_FOUND"),
    # the fine print, contract @public, EVT-4, PRO-6
    ("unverified", "emailVerificationResend", OWN, "PASSED"),
    ("unverified", "passwordChange", OWN, "FORBIDDEN:EMAIL_NOT_VERIFIED"),
    ("anonymous", "passwordReset", OWN, "PASSED"),
    ("anonymous", "passwordChange", OWN, "UNAUTHENTICATED"),
    ("stranger", "sandboxClockAdvance", OWN, "PASSED"),
    ("owner_wrong_address", "passwordReset", OWN, "IP_NOT_ALLOWED"),
)


@pytest.mark.parametrize(("caller", "coordinate", "target", "answer"), READS)
def test_a_read_is_answered_as_spec_says(caller: str, coordinate: str, target: Target, answer: str) -> None:
    """Cell by cell, under the rule that READS names."""
    assert expected_read(CALLERS[caller], coordinate, target) == answer


@pytest.mark.parametrize(("caller", "mutation", "target", "answer"), CALLS)
def test_a_call_is_answered_as_spec_says(caller: str, mutation: str, target: Target, answer: str) -> None:
    """Cell by cell, under the rule that CALLS names."""
    assert expected_mutation(CALLERS[caller], mutation, target) == answer


def test_there_is_one_delegate_per_permission() -> None:
    """PER-1, PER-2, PER-3: 4 + 20 + 10."""
    assert (len(table.OVERALL), len(table.ACCOUNT), len(table.SERVER)) == (4, 20, 10)
    assert sum(":" in name for name in CALLERS) == 34


def test_a_refusal_names_the_permission_that_is_missing() -> None:
    """PER-12."""
    assert missing("Account.usage") == "USAGE"
    assert missing("Account.grants") is None
    assert missing("accountOpen") == "ACCOUNT_MANAGEMENT"
    assert helping("Account.subscription") == {"ACCOUNT_MANAGEMENT", "BILLING"}


def test_every_refusal_for_a_missing_permission_can_name_one() -> None:
    """PER-12, over the whole table."""
    for caller in CALLERS.values():
        for name in table.FIELDS:
            answer = expected_read(caller, name, OWN)
            assert (answer is Outcome.PERMISSION_MISSING) <= (missing(name) is not None)


def test_nobody_learns_of_what_is_absent_or_of_another_profile() -> None:
    """PER-12: a wrong id and somebody else's object are answered alike."""
    for caller in CALLERS.values():
        for name in table.FIELDS:
            if name.partition(".")[0] in {"Plan", "Sandbox"} or name == "Query.sandbox":
                continue
            assert expected_read(caller, name, OTHER) == expected_read(caller, name, ABSENT)
        for name, call in table.MUTATIONS.items():
            if call.about != "Sandbox":
                other = expected_mutation(caller, name, OTHER)
                assert other == expected_mutation(caller, name, ABSENT)


def test_no_parent_shows_what_node_would_hide() -> None:
    """Contract convention 6: no path walks around a gate."""
    for caller in CALLERS.values():
        for (name, kind), target in ((e, t) for e in table.LEADS_TO.items() for t in (OWN, HOSTED)):
            if expected_read(caller, name, target) is not Outcome.VALUE:
                continue
            null = {("Account.server", OWN), ("Account.subscription", HOSTED), ("Account.pendingTransfer", HOSTED)}
            assert (name, target) in null or sees(caller, kind, target), (caller.name, name)


def test_directly_and_through_a_guarded_field_differ_only_in_how_they_refuse() -> None:
    """PER-12: hidden by `node`, forbidden through a profile that is seen."""
    caller = CALLERS["overall:BILLING"]
    path = ("Profile.security", "Security.sessions")
    assert expected_read(caller, path[-1], OWN) is Outcome.NOT_FOUND
    assert expected_through(caller, path, OWN) is Outcome.OWNER_ONLY
    assert expected_through(CALLERS["owner_two_factors"], path, OWN) is Outcome.VALUE
