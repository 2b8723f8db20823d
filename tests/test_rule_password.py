"""PRO-4. Passwords are hashed with argon2id, at the parameters of the settings."""

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from app.settings import Settings
from models.password import Argon2


@pytest.fixture
def argon2() -> Argon2:
    return Argon2(memory_kib=8, passes=1, lanes=1)


def test_a_password_is_kept_as_argon2id(argon2: Argon2) -> None:
    hashed = argon2.hash("a password")
    parameters = extract_parameters(hashed)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (8, 1, 1)
    assert hashed != argon2.hash("a password")


def test_only_the_password_itself_matches(argon2: Argon2) -> None:
    hashed = argon2.hash("a password")
    assert argon2.matches("a password", hashed)
    assert not argon2.matches("A password", hashed)
    assert not argon2.matches("a password", None)
    assert not argon2.matches("a password", "not a hash")


def test_nobody_is_signed_in_with_the_password_that_stands_in_for_none(argon2: Argon2) -> None:
    assert not argon2.matches("nobody has this password", None)


def test_what_is_shipped_is_no_less_than_the_least_advised() -> None:
    settings = Settings.model_fields
    assert settings["password_memory_kib"].default >= 19 * 1024
    assert settings["password_passes"].default >= 2
