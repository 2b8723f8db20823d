"""TIC-3. What a mail about a ticket carries, and a reply to it brings back: which ticket, and who was written to."""

import hashlib
import hmac
from uuid import UUID

PURPOSE = b"espace:ticket-reply"
DIGITS = 20
"""Of the seal, so that nobody writes into a ticket who was not written to."""


def reply_reference(key: str, ticket_id: UUID, reader_id: UUID) -> str:
    """The local part of the reference: the same for all mails about a ticket to one reader, which mail programs use."""
    derived = hmac.new(key.encode(), PURPOSE, hashlib.sha256).digest()
    seal = hmac.new(derived, ticket_id.bytes + reader_id.bytes, hashlib.sha256).hexdigest()[:DIGITS]
    return f"ticket.{ticket_id.hex}.{reader_id.hex}.{seal}"
