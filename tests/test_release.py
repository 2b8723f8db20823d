"""PER-11. Nothing is dropped, and nothing asks for less than in the last release, unless it is said so."""

import json

import pytest

from tests.release import GUARDS, RELEASED, SCHEMAS, Guard, broken, faults, guards, loosened

HOW = "python -m tests.release --write accepts it, for a release that says so in CHANGELOG.md"
OWNER: Guard = {"authorize": {}}
BILLING: Guard = {"authorize": {"overall": ["BILLING"]}}
STRICT: Guard = {"authorize": {"interactive": True, "twoFactor": True, "subject": "input.apiTokenId"}}
PUBLIC: Guard = {"public": {}}
OTHER: Guard = {"service": {"scope": "ACCESS_CHECK"}}


def test_nothing_is_broken_or_loosened_since_the_last_release() -> None:
    assert faults() == [], HOW


def test_the_guards_that_are_kept_are_those_of_the_schema_that_is_kept() -> None:
    kept = json.loads(GUARDS.read_text("utf-8"))
    assert kept == {name: guards((RELEASED / name).read_text("utf-8")) for name in SCHEMAS}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (OWNER, None, "lost its guard"),
        (OWNER, PUBLIC, "is public now"),
        (OWNER, BILLING, "BILLING (overall)"),
        (BILLING, {"authorize": {"overall": ["BILLING", "ACCOUNT_MANAGEMENT"]}}, "ACCOUNT_MANAGEMENT (overall)"),
        (BILLING, {"authorize": {"account": ["USAGE"]}}, "USAGE (account)"),
        (OWNER, {"authorize": {"parties": ["grantee"]}}, "grantee (parties)"),
        (BILLING, {"authorize": {"related": True}}, "any permission"),
        (STRICT, {"authorize": {"interactive": True, "subject": "input.apiTokenId"}}, "twoFactor"),
        (STRICT, {"authorize": {"twoFactor": True, "subject": "input.apiTokenId"}}, "interactive"),
        (STRICT, {"authorize": {"twoFactor": True, "interactive": True}}, "subject"),
        (OTHER, {"service": {"scope": "ANY"}}, "instead of"),
        (OTHER, OWNER, "instead of"),
    ],
)
def test_what_asks_for_less_is_told(before: Guard, after: Guard, told: str) -> None:
    (fault,) = loosened({"Account.usage": before}, {"Account.usage": after})
    assert fault.startswith("Account.usage ")
    assert told in fault


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, OWNER),
        (PUBLIC, OWNER),
        (PUBLIC, None),
        (BILLING, OWNER),
        (BILLING, {"authorize": {"overall": ["BILLING"], "interactive": True}}),
        ({"authorize": {"related": True}}, OWNER),
        ({"authorize": {"related": True}}, BILLING),
        (STRICT, STRICT),
    ],
)
def test_what_asks_for_more_passes(before: Guard, after: Guard) -> None:
    assert loosened({"Account.usage": before}, {"Account.usage": after, "Account.new": None}) == []


def test_what_needed_a_session_is_not_made_public() -> None:
    assert loosened({"Query.account": None}, {"Query.account": PUBLIC}) == ["Query.account is public now"]


def test_what_is_gone_is_told() -> None:
    assert loosened({"Account": OWNER, "Account.usage": OWNER}, {"Account": OWNER}) == ["Account.usage is gone"]


def test_guards_are_read_off_the_printed_schema() -> None:
    text = (
        "type Query { a: Int @public b(c: Int): Int @cost(weight: 5) } type T @authorize(overall: [BILLING]) { d: Int }"
    )
    assert guards(text) == {"Query": None, "Query.a": PUBLIC, "Query.b": None, "T": BILLING, "T.d": None}


def test_what_clients_cannot_ask_any_more_is_told() -> None:
    before = "type Query { kept: Int dropped: Int changed: Int! }"
    found = broken(before, "type Query { kept: Int renamed: Int changed(needed: Int!): Int }")
    assert [("dropped" in each, "changed" in each) for each in found].count((True, False)) == 1
    assert any("changed" in each for each in found)
    assert broken(before, "type Query { kept: Int! dropped: Int changed: Int! added: Int }") == []
