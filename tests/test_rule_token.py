"""The rules of API tokens, one by one, without a database."""

from typing import Any

import pytest

from models import network
from models.activity import Record
from models.legal_identity import CannotBeEmpty
from models.profile import Profile
from models.refusal import Refusal
from models.secret import SecretKind, fingerprint, is_well_formed
from models.token import AlreadyExpired, Created, InvalidTokenName, TooManyTokens, checked_value, create_token
from tests.api import OWNER, unsaved
from tests.test_rule_identity import HOUR, MICROSECOND, NOW, a_record, facts


def a_token(record: Record, **values: Any) -> tuple[Created, Profile]:
    profile = unsaved(OWNER, two_factor_since=NOW)
    given = {"name": "Scripts", **values}
    return create_token(record, profile, used=0, limit=1, most_networks=2, values=given), profile


def test_a_token_is_named_by_all_that_happens_to_it() -> None:
    record = a_record()
    made, profile = a_token(record)
    token, secret = made.token, made.secret
    assert repr(made) == f"Created({token.id})"
    assert (token.profile_id, token.created_at, token.name) == (OWNER.key, NOW, "Scripts")
    assert is_well_formed(secret, SecretKind.API)
    assert (token.prefix, token.secret_hash) == (secret[:12], fingerprint(secret))
    new = token.regenerate(record, profile=profile)
    assert is_well_formed(new, SecretKind.API)
    assert (token.prefix, token.secret_hash) == (new[:12], fingerprint(new))
    token.revoke(record)
    named = {"name": "Scripts"}
    assert facts(record) == [("token.created", named), ("token.regenerated", named), ("token.deleted", named)]


def test_a_change_of_a_token_tells_what_differs_and_stores_instants_as_text() -> None:
    record = a_record()
    made, profile = a_token(record, expires_at=NOW + HOUR)
    changes = {"name": " Other  scripts ", "expires_at": NOW + 2 * HOUR, "enabled": True, "ip_allowlist": None}
    made.token.update(record, changes, profile=profile, most_networks=2)
    made.token.update(record, {"expires_at": None}, profile=profile, most_networks=2)
    _, first, second = record.events
    assert first.facts == second.facts == {"name": "Other scripts"}
    assert first.changes == {
        "name": ["Scripts", "Other scripts"],
        "expires_at": [(NOW + HOUR).isoformat(), (NOW + 2 * HOUR).isoformat()],
    }
    assert second.changes == {"expires_at": [(NOW + 2 * HOUR).isoformat(), None]}


def test_there_are_as_many_tokens_as_there_may_be() -> None:
    profile = unsaved(OWNER, two_factor_since=NOW)
    with pytest.raises(TooManyTokens) as many:
        create_token(a_record(), profile, used=3, limit=3, most_networks=2, values={"name": "Scripts"})
    assert many.value.figures == {"limit": 3, "used": 3}
    assert create_token(a_record(), profile, used=2, limit=3, most_networks=2, values={"name": "Scripts"})


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("name", None, CannotBeEmpty),
        ("name", "x" * 81, InvalidTokenName),
        ("enabled", None, CannotBeEmpty),
        ("expires_at", NOW, AlreadyExpired),
        ("ip_allowlist", ["10.0.0.0/8", "192.0.2.0/24", "203.0.113.0/24"], network.TooManyNetworks),
    ],
    ids=["no name", "a long name", "neither enabled nor not", "over", "many networks"],
)
def test_a_wrong_value_of_a_token_is_refused_at_its_field(name: str, value: Any, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as refused:
        checked_value(name, value, a_record(), unsaved(OWNER), 2)
    assert refused.value.path == (name,)
    assert refused.value.figures in ({}, {"limit": 80}, {"limit": 2})


def test_what_is_right_at_its_edge_is_taken() -> None:
    profile = unsaved(OWNER)
    rights = {"name": "x" * 80, "expires_at": NOW + MICROSECOND, "ip_allowlist": ["10.0.0.0/8", "192.0.2.0/24"]}
    rights |= {"enabled": False, "read_only": True}
    assert {name: checked_value(name, value, a_record(), profile, 2) for name, value in rights.items()} == rights
    assert checked_value("name", " x ", a_record(), profile, 2) == "x"
