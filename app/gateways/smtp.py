"""EVT-3. Mails by SMTP, to the server that the settings name."""

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import errors

from models.mail import MailRefused

PLAIN, STARTTLS, TLS = "smtp+plain", "smtp", "smtps"
PORTS = {PLAIN: 25, STARTTLS: 587, TLS: 465}


class SmtpMailer:
    """One connection for each mail; what the server refuses for good is not tried again.

    `smtp://` insists on STARTTLS, `smtps://` speaks TLS from the start, `smtp+plain://` does without: for a relay on
    the same machine, and it takes no password.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "localhost"
        self.port = parts.port or PORTS[parts.scheme]
        self._options: dict[str, Any] = {"use_tls": parts.scheme == TLS, "start_tls": parts.scheme == STARTTLS}
        if parts.username:
            self._options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}

    def __repr__(self) -> str:
        return f"SmtpMailer({self.host}:{self.port})"

    async def send(self, message: EmailMessage) -> None:
        try:
            await aiosmtplib.send(message, hostname=self.host, port=self.port, **self._options)
        except (errors.SMTPRecipientsRefused, errors.SMTPSenderRefused, errors.SMTPDataError) as refusal:
            code = _code(refusal)
            raise MailRefused(f"SMTP_{code}", permanent=500 <= code < 600) from None
        except errors.SMTPNotSupported:
            # An address that only SMTPUTF8 can carry, or a server that lacks what the settings ask for.
            raise MailRefused("SMTP_NOT_SUPPORTED", permanent=False) from None
        except (errors.SMTPException, OSError, ValueError) as error:
            # Not what became of this mail: no connection, no sign-in, no answer. What they say may quote addresses.
            raise MailRefused(type(error).__name__, permanent=False) from None


def _code(refusal: Exception) -> int:
    """The server's answer about this mail; mails have one recipient."""
    answered = refusal.recipients[0] if isinstance(refusal, errors.SMTPRecipientsRefused) else refusal
    return int(getattr(answered, "code", 0))


def problems(url: str) -> Iterator[str]:
    """What is wrong with the address of a server; never quotes it, it may hold a password."""
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in PORTS or not parts.hostname or bool(parts.path.strip("/")) or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        yield "is smtp://USER:PASSWORD@HOST:PORT, or smtps:// or smtp+plain:// so"
    elif parts.scheme == PLAIN and parts.username:
        yield "would send a password in the clear: use smtp:// or smtps://"
