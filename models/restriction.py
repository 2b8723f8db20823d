"""PRO-11. Restricted mode: what may be told of whoever has neither a valid card on file nor ever paid."""

from models.activity import Record, action
from models.profile import Profile

LIFTED = action("profile.restriction_lifted", "The profile is not restricted any more")
RESTRICTED = action("profile.restricted", "The profile is restricted")
REMEDY = "Store a valid card, or make a payment: technical limits apply until then."


def tell(record: Record, profile: Profile, *, before: bool, after: bool) -> None:
    """PRO-11. State it where it changed."""
    if before != after:
        record.happened(RESTRICTED if after else LIFTED, profile, changes={"restricted": (before, after)})
