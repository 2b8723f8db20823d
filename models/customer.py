"""Section 14. Customers as the staff finds them, and the fact that somebody looked."""

from dataclasses import dataclass

from models.activity import Record, action
from models.profile import Profile
from models.refusal import Code, Refusal

SEEN = action("profile.seen_by_support", "The support team looked into the profile")
LEAST, MOST = 2, 254
"""Characters that are looked for."""


@dataclass(eq=False)
class WrongLength(Refusal):
    """Section 14. Nobody leafs through all customers, and nothing is called that long."""

    code = Code.INVALID
    message = "Give {least} to {most} characters."
    least: int
    most: int


def look_into(record: Record, profile: Profile) -> None:
    """PRO-15. The customer reads that somebody looked, and why."""
    record.happened(SEEN, profile)


def wanted(text: str) -> str:
    """Section 14. What is looked for, without space around it."""
    tidy = " ".join(text.split())
    if not LEAST <= len(tidy) <= MOST:
        raise WrongLength(LEAST, MOST)
    return tidy


def spellings(text: str) -> list[str]:
    """A name as people write it: an index finds each of them, and none in the middle of another."""
    return sorted({text, text.lower(), text.upper(), text.title(), text[:1].upper() + text[1:]})
