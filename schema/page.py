"""Pages of the staff's lists: where one ends, the next begins."""

import base64
from datetime import UTC, datetime
from uuid import UUID

from engine.error import BAD_USER_INPUT, FieldRefused

MOST = 100
"""Items of a page."""
SEPARATOR = "|"


def next_of(at: datetime, key: UUID) -> str:
    """What to go on after."""
    text = f"{at.astimezone(UTC).isoformat()}{SEPARATOR}{key}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(text: str) -> tuple[datetime, UUID]:
    """Where a page begins; refuses whatever `next_of` did not make."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        at, _, key = raw.partition(SEPARATOR)
        instant = datetime.fromisoformat(at)
        if instant.utcoffset() is None:
            raise ValueError
        return instant.astimezone(UTC), UUID(key)
    except (ValueError, OverflowError):
        raise FieldRefused(BAD_USER_INPUT, "This is not the `next` of a page.") from None
