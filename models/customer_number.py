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
    plain = "C" + "".join(LETTERS[bits >> 5 * place & 31] for place in reversed(range(LENGTH)))
    return plain + check_digits(plain)


def check_digits(plain: str) -> str:
    """Two digits of ISO 7064 (MOD 97-10), as of an IBAN: they tell any letter that is another, and any two swapped."""
    return f"{98 - _number(plain + '00') % 97:02d}"


def customer_numbers(text: str) -> Iterator[str]:
    """The customer numbers in a text, whatever stands between their letters, each once."""
    letters = "".join(each for each in text.upper().translate(MEANT) if each.isascii() and each.isalnum())
    found = dict.fromkeys(match.group(1) for match in NUMBER.finditer(letters))
    yield from (each for each in found if _number(each) % 97 == 1)


def _number(text: str) -> int:
    return int("".join(str(int(letter, 36)) for letter in text))
