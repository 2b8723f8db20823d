"""What is wrong with an installation, in sentences."""

from sqlalchemy.exc import SQLAlchemyError

from app.graphiql import BUNDLE
from app.main import open_database, trusted
from app.migration import is_at_head
from app.settings import Settings
from app.vault import KeyVault
from models import sqlite
from models.clock import RealClock
from models.conflict import Busy
from models.db import Database, Db
from resolvers import two_factor
from resolvers.catalog import is_empty, is_untaxed
from resolvers.sandbox import has_clock

NOTHING_SOLD = "The catalogue is empty, so that nothing can be sold: run `espace catalogue load`."

NO_RATES = (
    "There are no VAT rates, so that nothing can be invoiced: run `espace catalogue load` with a file that has them."
)


async def complaints(settings: Settings) -> list[str]:
    """Everything that an operator should look at; nothing when all is well."""
    found = []
    if settings.database_url.startswith("sqlite") and not sqlite.wal_is_safe:
        version = ".".join(map(str, sqlite.version))
        found.append(f"SQLite {version} is not safe with WAL: writing is slower than with 3.51.3 or later.")
    if not (BUNDLE / "index.html").is_file():
        found.append("GraphiQL is not bundled: with Node.js 20 or later, `make setup` does it.")
    try:
        trusted(settings)
    except (OSError, ValueError) as error:
        found.append(f"ESPACE_TRUSTED_DOCUMENTS: {error}")
    if not settings.sandbox and settings.smtp_url is None:
        found.append(f"Mails stay in the folder {settings.mail_folder}: ESPACE_SMTP_URL names what carries them.")
    if not settings.sandbox and settings.seller_vat_number is None:
        found.append(
            "ESPACE_SELLER_VAT_NUMBER is not set: documents without VAT name it, and VIES gives no proof without it."
        )
    if not settings.sandbox and settings.stripe_secret_key is None:
        found.append("ESPACE_STRIPE_SECRET_KEY is not set: cards cannot be taken.")
    if "_test_" in (settings.stripe_secret_key or ""):
        found.append(
            "ESPACE_STRIPE_SECRET_KEY is one for tests: whoever knows a test card pays with it, and for nothing."
        )
    if not settings.sandbox and not settings.staff_networks:
        found.append("ESPACE_STAFF_NETWORKS is not set: nobody of the staff reaches /staff/graphql.")
    return found + await _of_database(settings)


async def unservable(database: Database, settings: Settings) -> str | None:
    """Why this database cannot be served; None where it can."""
    if not await is_at_head(database):
        return "The database is not migrated: run `espace migrate` first."
    async with Db(database) as db:
        if not settings.sandbox and await has_clock(db):
            return "The database is a sandbox's, whose passwords are public: production needs one of its own."
    return None


async def lacking(db: Db) -> str | None:
    """What a file has to bring before there is business; None where it did."""
    if await is_empty(db):
        return NOTHING_SOLD
    return NO_RATES if await is_untaxed(db) else None


async def _unopened(database: Database, settings: Settings) -> str | None:
    async with Db(database) as db:
        if await two_factor.opens(db, KeyVault(settings.secret_key)):
            return None
    return "ESPACE_SECRET_KEY does not open the two-factor secrets of the database: they were sealed with another."


async def _of_database(settings: Settings) -> list[str]:
    database = open_database(settings, RealClock())
    try:
        problem = await unservable(database, settings) or await _unopened(database, settings)
        if problem is None:
            async with Db(database) as db:
                problem = await lacking(db)
    except (SQLAlchemyError, OSError, Busy) as error:
        return [f"The database cannot be reached: {type(error).__name__}."]
    finally:
        await database.close()
    return [problem] if problem else []
