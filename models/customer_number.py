"""BIL-8. The number that a customer quotes on bank transfers: short, never another one, and wrong when mistyped."""

import re
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Those that are not taken for one another."""
LENGTH = 8
"""Letters between the C and the two check digits: 40 bits."""
MEANT = str.maketrans("OIL", "011")
"""What people write instead."""
NUMBER = re.compile(rf"(?=(C[{LETTERS}]{{{LENGTH}}}[0-9]{{2}}))")


def customer_number(owner_id: UUID) -> str:
    """BIL-8. Made of the profile's id, so that it never changes; of two that would share it the second is not made."""
    bits = int.from_bytes(sha256(owner_id.bytes).digest()[:5])
    letters = "".join(LETTERS[bits >> 5 * place & 31] for place in reversed(range(LENGTH)))
    return f"C{letters}{98 - bits * 100 % 97:02d}"


def customer_numbers(text: str) -> Iterator[str]:
    """The customer numbers in a text, whatever stands between their letters, each once."""
    letters = "".join(each for each in text.upper().translate(MEANT) if each.isascii() and each.isalnum())
    found = dict.fromkeys(match.group(1) for match in NUMBER.finditer(letters))
    yield from (each for each in found if _is_whole(each))


def _is_whole(number: str) -> bool:
    """Whether its check digits are its own, as in MOD 97-10 of ISO 7064 over digits of base 32.

    97 is a prime and more than 32: any one letter that is another, and any two neighbours that are swapped, are told.
    """
    value = 0
    for letter in number[1 : 1 + LENGTH]:
        value = value * len(LETTERS) + LETTERS.index(letter)
    return (value * 100 + int(number[1 + LENGTH :])) % 97 == 1
