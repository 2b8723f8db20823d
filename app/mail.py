"""EVT-3. Mails as they are read: the sentences stand in `templates/mail/<template>/<language>.txt`.

A template is a subject and paragraphs, and where the mail has a link, the button's label and what comes after it. The
page around them and the text part are made of the same paragraphs, so that both say the same.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import idna
import mrml
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from app.settings import Settings
from models.access_recovery import recovery_code
from models.link import link_token
from models.mail import Cause, Letter, MailRefused
from models.profile import Locale
from models.ticket_reference import reply_reference

TEMPLATES = Path(__file__).parent / "templates" / "mail"
LAYOUT = "layout"
PAGES = {
    "email_verification": "verify-email",
    "email_change": "verify-email",
    "password_reset": "reset-password",
    "grant_invitation": "sign-up",
    "transfer_invitation": "sign-up",
}
"""Where the links of mails lead to, under the application's address."""


def names() -> list[str]:
    """The templates there are."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir() and path.name != LAYOUT)


def printable(value: Any) -> Any:
    """What people wrote, without what could break a line, or show it otherwise than it is.

    It is not refused: a name made for it would keep its owner from being warned.
    """
    return "".join(letter for letter in value if not steers(letter)) if isinstance(value, str) else value


def steers(letter: str) -> bool:
    """Whether it is no letter but an order: to end a line, to write from right to left, to ring a bell."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")


# What is plain text must not be escaped; the page escapes it.
TEXTS = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    finalize=printable,
    autoescape=False,  # noqa: S701
)
WEB = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says, in plain text."""

    subject: str
    before: list[str]
    after: list[str]
    button: str
    link: str = field(repr=False)
    sandbox: str
    footer: str

    def as_text(self) -> str:
        linked = [f"{self.button}\n{self.link}"] if self.link else []
        notice = [self.sandbox] if self.sandbox else []
        return "\n\n".join([*notice, *self.before, *linked, *self.after, f"-- \n{self.footer}"]) + "\n"


class Letters:
    """Writes the mails of one installation."""

    def __init__(self, settings: Settings) -> None:
        name, address = parseaddr(settings.mail_from)
        self.sender = Address(name, addr_spec=address)
        self.settings = settings
        self.zone = ZoneInfo(settings.billing_zone)

    def write(self, cause: Cause) -> Letter:
        """The mail about a fact, in the reader's language; raises MailRefused where its headers cannot be written."""
        token = link_token(self.settings.secret_key, cause.link_id) if cause.link_id else None
        content = self._content(cause, token)
        text = content.as_text()
        message = self._message(cause, content.subject)
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(self._page(cause, content), subtype="html", cte="quoted-printable")
        return Letter(message, content.subject, text, token)

    def _content(self, cause: Cause, token: str | None) -> Content:
        language = cause.locale.value.lower()
        template = TEXTS.get_template(f"{cause.template}/{language}.txt")
        layout = TEXTS.get_template(f"{LAYOUT}/{language}.txt")
        values = self._values(cause)
        subject = _block(template, "subject", values)
        sandbox = self.settings.sandbox
        return Content(
            subject=f"{_block(layout, 'prefix', values)} {subject}" if sandbox else subject,
            before=[_block(layout, "greeting", values), *_paragraphs(_block(template, "text", values))],
            after=_paragraphs(_block(template, "after", values)),
            button=_block(template, "button", values),
            link=f"{self.settings.links_lead_to}/{PAGES[cause.template]}?token={token}" if token else "",
            sandbox=_block(layout, "sandbox", values) if sandbox else "",
            footer=_block(layout, "footer", values),
        )

    def _values(self, cause: Cause) -> dict[str, Any]:
        expires = {"expires": self._shown(cause.link_expires_at, cause.locale)} if cause.link_expires_at else {}
        on = date.fromisoformat(cause.facts["on"]) if "on" in cause.facts else None
        told = {"on": format_date(on, "long", locale=cause.locale.value.lower())} if on else {}
        if "slot" in cause.facts:
            told["slot"] = self._shown(datetime.fromisoformat(cause.facts["slot"]), cause.locale)
        return {
            "name": cause.name,
            "address": cause.address,
            "when": self._shown(cause.occurred_at, cause.locale),
            "ip": cause.ip_address,
            "facts": {name: _in_language(value, cause.locale) for name, value in cause.facts.items()},
            **self._code(cause),
            **expires,
            **told,
        }

    def _code(self, cause: Cause) -> dict[str, str]:
        """PRO-7. The code that the support team had mailed: it is made here, and stands nowhere."""
        key = cause.facts.get("code_key")
        return {"code": recovery_code(self.settings.secret_key, UUID(key))} if key else {}

    def _shown(self, instant: datetime, locale: Locale) -> str:
        local, language = instant.astimezone(self.zone), locale.value.lower()
        day, time = format_date(local, "long", locale=language), format_time(local, "short", locale=language)
        return f"{day}, {time} ({self.zone.key})"

    def _page(self, cause: Cause, content: Content) -> str:
        page = WEB.get_template(f"{LAYOUT}/page.mjml")
        parts: Mapping[str, Any] = {name: getattr(content, name) for name in Content.__slots__}
        return mrml.to_html(page.render(language=cause.locale.value.lower(), **parts)).content

    def _message(self, cause: Cause, subject: str) -> EmailMessage:
        message = EmailMessage(SMTP)
        try:
            message["From"] = self.sender
            message["To"] = Address(addr_spec=ascii_domain(_clean(cause.address)))
            message["Subject"] = _clean(subject)
            message["Date"] = format_datetime(cause.sent_at)
            message["Message-ID"] = f"<{cause.delivery_id}@{self.sender.domain}>"
            message["Auto-Submitted"] = "auto-generated"
            if cause.thread_id is not None:
                reference = reply_reference(self.settings.secret_key, cause.thread_id, cause.owner_id)
                message["In-Reply-To"] = message["References"] = f"<{reference}@{self.sender.domain}>"
        except (ValueError, IndexError, AttributeError):
            # The parser of addresses raises all of these, and its messages quote what they are about.
            raise MailRefused("UNSAFE_HEADER", permanent=True) from None
        return message


def _in_language(value: Any, locale: Locale) -> Any:
    """A fact, or what it is for this reader, where it has a text in each language."""
    return value.get(locale.value.lower(), value) if isinstance(value, dict) else value


def _block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    """One part of a template, on as few lines as it has paragraphs; empty where the template has no such part."""
    block = template.blocks.get(name)
    return "".join(block(template.new_context(dict(values)))).strip() if block else ""


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split("\n")) for part in re.split("\n{2,}", text) if part]


def _clean(header: str) -> str:
    if any(map(steers, header)):
        raise ValueError
    return header


def ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    # Not Python's own encoding: it is of 2003 and makes another domain of one with ß.
    return f"{local}{at}{idna.encode(domain, uts46=True).decode()}" if domain else address
