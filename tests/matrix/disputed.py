"""Cells on which the oracle and the service differ, until somebody decides: what the service answers, and why."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.matrix.expected import Caller, Target


@dataclass(frozen=True)
class Dispute:
    """One difference: the names it is about, whom it concerns, the service's answer, and both readings."""

    names: frozenset[str]
    concerns: Callable[[Caller, Target], bool]
    answer: str
    reason: str


def _by_token(caller: Caller, _target: Target) -> bool:
    return caller.token


def _by_token_of_owner(caller: Caller, _target: Target) -> bool:
    return caller.token and caller.role == "owner"


def _by_one_factor(caller: Caller, _target: Target) -> bool:
    return caller.role != "anonymous" and not caller.two_factors


def _by_token_for_others_things(caller: Caller, _target: Target) -> bool:
    return caller.narrowed == "another owner" or (bool(caller.narrowed) and caller.role == "delegate")


MAILS = "the contract lets tokens read mails; the service does not, since mails carry links that reset a password"
DISPUTED = (
    Dispute(
        frozenset(f"SandboxMail.{name}" for name in ("id", "sentAt", "template", "subject", "text", "token")),
        _by_token,
        "NOT_FOUND",
        MAILS,
    ),
    Dispute(frozenset({"Sandbox.mails (all)"}), _by_token_of_owner, "0, 1 missing", MAILS),
    Dispute(
        frozenset({"apiTokenCreate", "apiTokenUpdate", "apiTokenRegenerate"}),
        _by_one_factor,
        "TWO_FACTOR_REQUIRED",
        "the service asks for the second factor before it looks for the token, at whether the address is verified, and"
        " for TWO_FACTOR_NOT_ENABLED, which apiTokenCreate says it answers as data; the rules ask for it after",
    ),
    Dispute(
        frozenset({"Query.session (null)"}),
        _by_token,
        "null",
        "the contract's session is `the current session or token`; the service answers null to tokens",
    ),
    Dispute(
        frozenset({"Query.viewer (null)"}),
        _by_token_for_others_things,
        "null",
        "the contract's viewer is null without a session; the service answers null to a token kept to another owner",
    ),
)


def disputed(caller: Caller, name: str, target: Target, expected: str) -> str:
    """What is to be compared with: the expected answer, or the service's where the two are disputed."""
    for each in DISPUTED:
        if name in each.names and each.concerns(caller, target) and expected != each.answer:
            return each.answer
    return expected
