"""PRO-4. How strong a password has to be, and what to tell whoever chose a weak one."""

from collections.abc import Sequence
from dataclasses import dataclass

from zxcvbn import zxcvbn

from models.refusal import Code, Refusal

LOOKED_AT = 64
"""Characters that are rated: the time it takes grows faster than they do, and so many are strong already."""


@dataclass(frozen=True, slots=True)
class Strength:
    """PRO-4. How long a password is, and how hard to guess: zxcvbn's score, 0 to 4."""

    least: int = 12
    most: int = 256
    score: int = 3


USUAL = Strength()


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


def check_strength(password: str, about_its_owner: Sequence[str], asked: Strength = USUAL) -> None:
    """PRO-4. Raises why a password cannot be taken. Takes milliseconds: call it beside the event loop."""
    if len(password) < asked.least:
        raise TooShort(asked.least)
    if len(password) > asked.most:
        raise TooLongPassword(asked.most)
    if zxcvbn(password[:LOOKED_AT], [word for word in about_its_owner if word])["score"] < asked.score:
        raise Guessable
