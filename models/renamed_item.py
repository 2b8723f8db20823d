"""ACC-4. Everything that another name of an account changes, to be read beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from models.setting import Figures

SERVICES = ("ftp", "imap", "mysql", "postgresql", "rabbitmq", "services", "smtp", "ssh", "webdav")
"""The services whose hosts are named after the account."""


class RenamedItemKind(StrEnum):
    """What it is."""

    HOSTNAME = "HOSTNAME"
    SITE_ADDRESS = "SITE_ADDRESS"
    MAILBOX = "MAILBOX"
    HOME_DIRECTORY = "HOME_DIRECTORY"
    DATABASES = "DATABASES"
    CNAME = "CNAME"


@dataclass(frozen=True, slots=True)
class RenamedItem:
    """One of them."""

    kind: RenamedItemKind
    before: str
    after: str


def default_hostname(figures: Figures, name: str) -> str:
    """ACC-2. The address that the provider gives an account."""
    return f"{name}.{figures.account_domain}"


def derived(figures: Figures, name: str) -> Iterator[tuple[RenamedItemKind, str]]:
    """ACC-2. What derives from the name of an account, in the order in which it is shown."""
    hostname = default_hostname(figures, name)
    for service in SERVICES:
        yield RenamedItemKind.HOSTNAME, f"{service}-{hostname}"
    yield RenamedItemKind.SITE_ADDRESS, f"https://{hostname}"
    yield RenamedItemKind.MAILBOX, f"{name}@{figures.account_domain}"
    yield RenamedItemKind.HOME_DIRECTORY, f"{figures.account_home}/{name}"
    yield RenamedItemKind.DATABASES, f"{name}_*"
    yield RenamedItemKind.CNAME, hostname


def renamed_items(figures: Figures, name: str, new_name: str) -> list[RenamedItem]:
    """ACC-4. What a new name changes."""
    pairs = zip(derived(figures, name), derived(figures, new_name), strict=True)
    return [RenamedItem(kind, before, after) for (kind, before), (_, after) in pairs]
