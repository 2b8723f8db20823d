"""PRO-4. How strong a password has to be, and what to tell whoever chose a weak one."""

from collections.abc import Sequence
from dataclasses import dataclass

from zxcvbn import zxcvbn

from models.refusal import Code, Refusal

LEAST_LENGTH = 12
MOST_LENGTH = 256
LOOKED_AT = 64
"""Characters that are rated: the time it takes grows faster than they do, and so many are strong already."""
LEAST_SCORE = 3


@dataclass(eq=False)
class TooShort(Refusal):
    """PRO-4. Shorter than passwords are."""

    code = Code.WEAK_PASSWORD
    message = "A password has {least} characters or more."
    least: int


@dataclass(eq=False)
class TooLongPassword(Refusal):
    """PRO-4. Longer than anybody types, and a way to make a hash dear."""

    code = Code.WEAK_PASSWORD
    message = "A password has {most} characters at most."
    most: int


class Guessable(Refusal):
    """PRO-4. Known from leaks, made of what is known of its owner, or of a pattern: found in few guesses."""

    code = Code.WEAK_PASSWORD
    message = "This password is too easy to guess: take several words that have nothing to do with each other."


def check_strength(password: str, about_its_owner: Sequence[str]) -> None:
    """PRO-4. Raises why a password cannot be taken. Takes milliseconds: call it beside the event loop."""
    if len(password) < LEAST_LENGTH:
        raise TooShort(LEAST_LENGTH)
    if len(password) > MOST_LENGTH:
        raise TooLongPassword(MOST_LENGTH)
    if zxcvbn(password[:LOOKED_AT], [word for word in about_its_owner if word])["score"] < LEAST_SCORE:
        raise Guessable
