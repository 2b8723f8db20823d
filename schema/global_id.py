"""The ids that clients hold: a type's name and a key, opaque, the same for ever."""

import base64
from functools import lru_cache
from uuid import UUID

from models.refusal import NotFound

NOWHERE = UUID(int=0)
"""The key of what an id leads to that is none."""


@lru_cache(maxsize=16_384)
def global_id(type_name: str, key: UUID) -> str:
    """The id that clients hold."""
    return base64.urlsafe_b64encode(type_name.encode() + b":" + key.bytes).decode().rstrip("=")


def read_global_id(text: str) -> tuple[str, UUID] | None:
    """Type and key of an id that `global_id` made; None for anything else."""
    try:
        name, colon, key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).partition(
            b":"
        )
        found = name.decode("ascii"), UUID(bytes=key)
    except ValueError:
        return None
    return found if colon and found[0].isidentifier() and global_id(*found) == text else None


def key_found(text: str, type_name: str) -> UUID:
    """The key that an id of this type holds; that of nothing for any other."""
    found = read_global_id(text)
    return found[1] if found and found[0] == type_name else NOWHERE


def key_of(text: str, type_name: str, *path: str) -> UUID:
    """The key in an id of this type; raises NotFound at the input field for anything else."""
    found = read_global_id(text)
    if found is None or found[0] != type_name:
        raise NotFound().at(*path)
    return found[1]
