"""EVT-3. Mails over TLS: only to a server whose certificate is trusted; to another they wait."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.gateways.smtp import SmtpMailer
from models.clock import FrozenClock, RealClock
from models.mail import Mailer
from models.profile import PASSWORD_CHANGED
from tests.api import OWNER, Api
from tests.mails import SETTINGS, rows, sent, told
from tests.test_mail import Inbox, listening

TRUSTED_BY = "SSL_CERT_FILE"
"""Where the TLS library looks for the certificates that it trusts."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost and its key, in one file; it vouches for itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), RealClock().now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
        key, hashes.SHA256()
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *plain)
    )
    return path


@asynccontextmanager
async def secured(inbox: Inbox, scheme: str, certificate: Path) -> AsyncIterator[Mailer]:
    """A server that speaks TLS from the start (smtps), or once it is asked to (smtp)."""
    context, loop = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), asyncio.get_running_loop()
    context.load_cert_chain(certificate)
    later: dict[str, Any] = {"tls_context": context, "require_starttls": True} if scheme == "smtp" else {}
    from_the_start = context if scheme == "smtps" else None
    server = await loop.create_server(
        lambda: SMTP(inbox, loop=loop, hostname="localhost", **later), "localhost", 0, ssl=from_the_start, family=2
    )
    try:
        yield SmtpMailer(f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        await server.wait_closed()


async def outcome(api: Api) -> tuple[str, int, str | None]:
    (row,) = await rows(api.database)
    return row.state.value, row.attempt, row.last_error


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_mail_goes_over_tls_to_a_server_that_is_trusted(
    api: Api, certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(TRUSTED_BY, str(certificate))
    await told(api.database, PASSWORD_CHANGED, OWNER)
    inbox = Inbox()
    async with secured(inbox, scheme, certificate) as mailer:
        await sent(api.database, mailer)
    assert await outcome(api) == ("SENT", 1, None)
    assert [message["To"] for message in inbox.received] == [OWNER.email]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_is_not_trusted_gets_no_mail_and_it_is_tried_again(
    api: Api, certificate: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.delenv(TRUSTED_BY, raising=False)
    await told(api.database, PASSWORD_CHANGED, OWNER)
    inbox = Inbox()
    async with secured(inbox, scheme, certificate) as mailer:
        await sent(api.database, mailer)
        state, attempt, error = await outcome(api)
        assert (state, attempt, inbox.received) == ("PENDING", 1, [])
        assert error
        clock.move(SETTINGS.delivery_pause)
        monkeypatch.setenv(TRUSTED_BY, str(certificate))
        await sent(api.database, mailer)
    assert (await outcome(api))[:2] == ("SENT", 2)


async def test_starttls_is_insisted_on(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    inbox = Inbox()
    async with listening(inbox) as plain:
        assert isinstance(plain, SmtpMailer)
        await sent(api.database, SmtpMailer(f"smtp://127.0.0.1:{plain.port}"))
    assert (await outcome(api))[0] == "PENDING"
    assert inbox.received == []
