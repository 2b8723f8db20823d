"""The mails of the practice system, as their addressees read them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, true

from models.column import table
from models.context import Context
from models.link import link_token
from models.mail import TOKEN_PLACE, SandboxMail
from models.sandbox import ClockOffset

MAILS = table(SandboxMail)
OFFSETS = table(ClockOffset)


def of_sandbox() -> Select[Any]:
    """EVT-3. All of them: the gate lets each reader have theirs."""
    return select(OFFSETS.c.id).join(MAILS, true())


async def text(context: Context, keys: Sequence[UUID]) -> list[str]:
    """The texts as they were sent, tokens included."""
    found = await context.db.rows(select(MAILS.c.id, MAILS.c.text, MAILS.c.link_id).where(MAILS.c.id.in_(keys)))
    texts = {
        row.id: row.text.replace(TOKEN_PLACE, link_token(context.key, row.link_id)) if row.link_id else row.text
        for row in found
    }
    return [texts[key] for key in keys]


async def token(context: Context, keys: Sequence[UUID | None]) -> list[str | None]:
    """The tokens of links."""
    return [link_token(context.key, key) if key else None for key in keys]
