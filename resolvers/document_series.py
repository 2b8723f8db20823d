"""BIL-2. Drawing numbers: the row of a series is the last that a transaction locks."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, update

from models.chain import NO_HASH
from models.clock import civil_day
from models.column import INSERTS, table
from models.db import Write
from models.document_series import DocumentSeries, Number, SeriesKind, series_of
from models.issuer import Issuer

SERIES = table(DocumentSeries)
CHAINED = update(SERIES).where(SERIES.c.name == bindparam("series")).values(last_hash=bindparam("hash"))


def _drawing(insert: Any) -> Any:
    begun = insert(SERIES).values(last_sequence=1, last_hash=NO_HASH)
    today = begun.excluded.last_issued_on
    later = case((SERIES.c.last_issued_on > today, SERIES.c.last_issued_on), else_=today)
    return begun.on_conflict_do_update(
        index_elements=[SERIES.c.name],
        set_={"last_sequence": SERIES.c.last_sequence + 1, "last_issued_on": later},
    ).returning(SERIES.c.last_sequence, SERIES.c.last_issued_on, SERIES.c.last_hash)


DRAWN = {dialect: _drawing(insert) for dialect, insert in INSERTS.items()}
"""BIL-2. The next number of a series, of a day."""


async def drawn(office: Issuer, write: Write, kind: SeriesKind) -> Number:
    """BIL-2. The next number of a series, whose row stays locked; no date is earlier than the one before."""
    await write.flush()  # Locks what has changed, before the series.
    today = civil_day(write.now, ZoneInfo(office.figures.billing_zone))
    name = series_of(kind, today, office.figures, sandbox=office.sandbox)
    (row,) = await write.rows(DRAWN[write.dialect], {"name": name, "last_issued_on": today})
    return Number(name, row.last_sequence, row.last_issued_on, row.last_hash)


async def chain(write: Write, number: Number, hash: str) -> None:
    """BIL-2. What was issued under a number is what the next one follows."""
    await write.run(CHAINED, {"series": number.series, "hash": hash})
