"""What settings have wrong together: everything is said at once, each with the name of the setting to change."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.mode import Journal
from models import sqlite
from models.bank_account import SAMPLE_IBAN

if TYPE_CHECKING:
    from app.settings import Settings

LEAST_MEMORY_KIB, LEAST_PASSES = 19_456, 2
SANDBOX_SECRET = "only-for-trying-out-espace-in-a-sandbox"  # noqa: S105 - public on purpose, refused in production


def wrong_together(settings: "Settings") -> Iterator[str]:
    """Everything that is wrong, in a sentence each."""
    if settings.trusted_only and settings.trusted_documents is None:
        yield "ESPACE_TRUSTED_ONLY: needs ESPACE_TRUSTED_DOCUMENTS, or nothing could be asked"
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield "ESPACE_TRUSTED_PROXIES: to trust everybody is to believe whatever address a client writes"
    if settings.reset_email_interval > settings.password_reset_lifetime:
        # Whoever asks for all resets of an address sends its owner their links: one of them always works.
        yield "ESPACE_RESET_EMAIL_INTERVAL: is at most ESPACE_PASSWORD_RESET_LIFETIME, or strangers could use it up"
    if settings.cookie_domain is not None and not f".{urlsplit(settings.public_url).hostname}".endswith(
        f".{settings.cookie_domain}"
    ):
        yield "ESPACE_COOKIE_DOMAIN: is the host of ESPACE_PUBLIC_URL, or a domain that it is in"
    if len({settings.invoice_prefix, settings.credit_note_prefix, settings.receipt_prefix}) < 3:
        yield "ESPACE_RECEIPT_PREFIX: invoices, credit notes and receipts have three different prefixes"
    yield from _of_cards(settings)
    if not settings.sandbox:
        yield from _in_production(settings)


def _of_cards(settings: "Settings") -> Iterator[str]:
    stripe = settings.stripe_secret_key is not None, settings.stripe_webhook_secret is not None
    if settings.sandbox and any(stripe):
        yield "ESPACE_STRIPE_SECRET_KEY: a sandbox takes payments from its own provider only"
    if settings.sandbox:
        return
    if stripe == (False, True):
        yield "ESPACE_STRIPE_SECRET_KEY: has to be there where Stripe’s notices are taken"
    if stripe == (True, False):
        yield "ESPACE_STRIPE_WEBHOOK_SECRET: has to be there, or nobody would hear of what goes back"


def _in_production(settings: "Settings") -> Iterator[str]:
    if settings.secret_key.strip() == SANDBOX_SECRET:
        yield "ESPACE_SECRET_KEY: production needs a secret of its own, 32 characters or more"
    if not settings.tls_only_cookies:
        yield "ESPACE_TLS_ONLY_COOKIES: production sends cookies over TLS only: set it to true"
    if not settings.public_url.startswith("https://"):
        yield "ESPACE_PUBLIC_URL: production is reached by https"
    if settings.bank_iban == SAMPLE_IBAN:
        yield "ESPACE_BANK_IBAN: production needs the account that customers are to pay to, and not the sample"
    if settings.application_url.startswith("http:"):
        yield "ESPACE_APPLICATION_URL: production sends links by https only"
    if any(origin.startswith("http:") for origin in settings.origins):
        yield "ESPACE_ORIGINS: production takes cookies from pages by https only"
    if settings.vies_url is not None and settings.vies_url.startswith("http:"):
        yield "ESPACE_VIES_URL: production asks by https only"
    if settings.password_memory_kib < LEAST_MEMORY_KIB or settings.password_passes < LEAST_PASSES:
        yield f"ESPACE_PASSWORD_MEMORY_KIB: production hashes with {LEAST_MEMORY_KIB} KiB, {LEAST_PASSES} passes"
    if not settings.rate_limits:
        yield "ESPACE_RATE_LIMITS: production keeps its limits"
    if settings.database_url.startswith("sqlite") and settings.sqlite_journal is Journal.WAL and not sqlite.wal_is_safe:
        version = ".".join(map(str, sqlite.version))
        yield f"ESPACE_SQLITE_JOURNAL: SQLite {version} can corrupt a database in WAL; 3.51.3 and later cannot"
