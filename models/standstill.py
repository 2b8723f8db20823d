"""ALE-4. Days that do not count: while money is on its way, what is dunned for stands still.

What stood still is kept as pairs of instants, so that it is taken off whatever is counted from before, and only once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

Stops = list[list[str]]
"""From when until when, in order; each is over."""


def stopped(stops: Stops, begun: datetime, now: datetime) -> Stops:
    """What stood still by now, with what began to do so at `begun`; of no time at all there is nothing to keep."""
    return [*stops, [begun.isoformat(), now.isoformat()]] if now > begun else stops


def stood_still(stops: Sequence[Sequence[str]], since: datetime) -> timedelta:
    """How long of the time since an instant does not count."""
    spans = [(datetime.fromisoformat(begun), datetime.fromisoformat(over)) for begun, over in stops]
    return sum((max(over - max(begun, since), timedelta()) for begun, over in spans), timedelta())
