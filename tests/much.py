"""A profile with much of a past: 20,000 movements of its balance and 2,000 documents, as rows that no rule made."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from models.column import new_id, table
from models.db import Db
from models.document_series import DocumentKind
from models.invoice import Invoice
from models.journal import EntryKind, JournalEntry
from tests.api import OWNER, Api

ENTRIES, DOCUMENTS = 20_000, 2_000


async def much(api: Api) -> None:
    """All of it, of the demo's owner."""
    now = api.database.clock.now()
    async with Db(api.database) as db, db.bookkeeping() as connection:
        await connection.execute(insert(table(JournalEntry)), _entries(now))
        await connection.execute(insert(table(Invoice)), _documents(now))


def _entries(now: datetime) -> list[dict[str, Any]]:
    entry = {"booked_at": now, "recorded_at": now, "non_refundable_after_cents": 0, "facts": {}}
    return [
        {
            **entry,
            "id": new_id(),
            "kind": EntryKind.PAYMENT,
            "owner_id": OWNER.key,
            "position": position,
            "amount_cents": 100,
            "balance_after_cents": 100 * position,
        }
        for position in range(1, ENTRIES + 1)
    ]


def _documents(now: datetime) -> list[dict[str, Any]]:
    issued = {
        "owner_id": OWNER.key,
        "kind": DocumentKind.INVOICE,
        "series": "F2026-",
        "issued_at": now,
        "overdue_at": now,
        "seller": {},
        "buyer": {"street_lines": []},
        "treatment": "STANDARD",
        "previous_hash": "",
        "hash": "",
        **dict.fromkeys(("net_cents", "tax_cents", "gross_cents", "left_cents"), 0),
    }
    return [
        {
            **issued,
            "id": new_id(),
            "sequence": number,
            "number": f"F2026-{number:06}",
            "position": number,
            "issued_on": now.date() - timedelta(days=number // 10),
            "due_on": now.date() - timedelta(days=number // 10),
        }
        for number in range(1, DOCUMENTS + 1)
    ]
