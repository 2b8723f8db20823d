"""What the demo's owner has to put right beside an invoice: a domain, the money for another one, and a migration."""

from datetime import datetime, timedelta

from app.demo_hosting import ACCOUNT_KEYS
from models.db import Db
from models.domain import DomainState
from models.issuer import Issuer
from resolvers import domain, migration

ENDS_IN = timedelta(days=20)
PRICE_CENTS = 1_799
DOMAINS = (("atelier", "atelier.example", False, None), ("boutique", "boutique.example", True, PRICE_CENTS))
"""The account, its domain, whether that renews itself, and what that takes from the balance."""
SUMMARY = "Debian 12 devient Debian 13 ; PHP, Python et Node sont mis à jour."


async def make(db: Db, office: Issuer, now: datetime) -> None:
    """ALE-2. Alerts of each kind that others bring about."""
    on = (now + ENDS_IN).date()
    for account, name, renews, price_cents in DOMAINS:
        told = domain.Report(name, DomainState.HELD, on, renews, price_cents)
        await domain.report(db, office, account_id=ACCOUNT_KEYS[account], told=told)
    await migration.schedule_for(db, office.figures, account_id=ACCOUNT_KEYS["atelier"], summary=SUMMARY, on=on)
