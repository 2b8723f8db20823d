"""EVT-3. Mails: what they say in both languages, what they cannot be made to say, and how they are carried."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from app.gateways.folder import FolderMailer
from app.gateways.smtp import SmtpMailer
from app.mail import PAGES, TEMPLATES, Letters, names, steers
from app.settings import Settings
from app.worker import mailer_of
from engine.bind import Bound
from models.activity import ACTIONS
from models.clock import FrozenClock
from models.column import new_id
from models.db import Database
from models.link import LinkKind, link_token, read_link_token
from models.mail import Cause, Letter, Mailer, MailRefused
from models.profile import EMAIL_CHANGE_ASKED, PASSWORD_CHANGED, PASSWORD_RESET_ASKED, Locale
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Api, serving
from tests.mails import SETTINGS, Box, rows, sent, told, told_with_link
from tests.test_sandbox import PRODUCTION

LIVE = Settings(
    **PRODUCTION, mail_from="Hébergeur <post@espace.example>", application_url="https://app.espace.example/space/"
)
NOW = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
MAILS = "{ sandbox { mails { totalCount nodes { id sentAt template subject text token } } } }"

FACTS = {
    "name": "Deploy",
    "owner": "owner@example.org",
    "sender": "owner@example.org",
    "recipient": "free@example.org",
    "wanted": "shop",
    "grantee": "delegate@example.org",
    "on": "2026-12-22",
    "before": "6.00",
    "after": "7.00",
    "period": "MONTHLY",
    "amount": "12.00",
    "number": "F2026-000042",
    "reason": "UNPAID_BALANCE",
    "text": "Somebody complained.",
    "warning": "LAST",
    "others": 0,
    "customer": "Atelier Exemple",
    "owed": "7.20",
    "step": "FINAL_WARNING",
    "about": "example.org",
    "code_key": "01a20fb8-2d13-70a2-880d-dac18f000000",
    "title": "The site is slow",
    "agent": "Ada",
    "server": "forge",
    "lines": ["First line", "Second line"],
    "decision": "CHARGED",
    "price": "400.00",
    "slot": "2026-11-30T09:00:00+00:00",
    "charged": True,
    "work": {"en": "Change of memory, forge", "fr": "Changement de mémoire, forge"},
    "plan": {"en": "Gold", "fr": "Gold"},
    "to": {"en": "Medium", "fr": "Medium"},
}
"""All that any mail tells."""


def cause(template: str = "password_changed", locale: Locale = Locale.EN, **values: Any) -> Cause:
    link = new_id() if template in PAGES else None
    made = Cause(
        delivery_id=new_id(),
        template=template,
        address="kim@example.org",
        owner_id=new_id(),
        name="Kim Beispiel",
        locale=locale,
        occurred_at=NOW,
        sent_at=NOW,
        ip_address="192.0.2.7",
        facts=FACTS,
        link_id=link,
        link_expires_at=NOW + timedelta(hours=1) if link else None,
    )
    return replace(made, **values)


def parts(letter: Letter) -> tuple[EmailMessage, str, str]:
    """The mail as its reader's program has it: headers, text, HTML."""
    message = message_from_bytes(bytes(letter.message), policy=policy.default)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    return message, text.get_content(), html.get_content()


# What they say


@pytest.mark.parametrize("settings", [SETTINGS, LIVE], ids=["sandbox", "production"])
@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("template", names())
def test_every_mail_is_whole_in_every_language(template: str, locale: Locale, settings: Settings) -> None:
    told_of = cause(template, locale)
    message, text, html = parts(Letters(settings).write(told_of))
    assert not re.search(r"[{}]|None|Undefined", text + message["Subject"])
    assert ("esp_link_" in text) == (template in PAGES)
    for said in (text, html):
        rest = said.replace(link_token(settings.secret_key, told_of.link_id), "") if told_of.link_id else said
        assert "esp_" not in rest
        assert settings.secret_key not in rest
    assert "Kim Beispiel" in text
    assert "Kim Beispiel" in html
    assert f'lang="{locale.value.lower()}"' in html
    marked = message["Subject"].startswith(("[Sandbox] ", "[Bac à sable] "))
    assert marked == settings.sandbox == ("sandbox" in text or "bac à sable" in text)


def test_the_last_automatic_debit_says_that_it_was_the_last() -> None:
    told_of = cause("collection_failed", facts={"amount": "12.00", "number": "F2026-000042"})
    _, text, _ = parts(Letters(SETTINGS).write(told_of))
    assert "not tried again" in text


@pytest.mark.parametrize("template", names())
def test_languages_differ_and_have_the_same_parts(template: str) -> None:
    english, french = ((TEMPLATES / template / f"{language}.txt").read_text("utf-8") for language in ("en", "fr"))
    written = re.compile(r"{%.*?%}|{{.*?}}")
    assert written.findall(english) == written.findall(french)
    assert english != french


def test_every_mail_that_a_fact_sends_is_there() -> None:
    assert {action.mail for action in ACTIONS.values() if action.mail} <= set(names())


def test_a_link_leads_into_the_application() -> None:
    told_of = cause("password_reset")
    letter = Letters(LIVE).write(told_of)
    assert letter.token is not None
    link = f"https://app.espace.example/space/reset-password?token={letter.token}"
    assert link in letter.text
    assert f'href="{link}"' in parts(letter)[2]
    assert read_link_token(LIVE.secret_key, letter.token) == told_of.link_id
    assert "http://127.0.0.1:8000/reset-password?token=" in Letters(SETTINGS).write(told_of).text


def test_instants_are_told_in_the_provider_s_zone_as_the_reader_writes_them() -> None:
    english, french = (Letters(LIVE).write(cause(locale=locale)).text for locale in (Locale.EN, Locale.FR))
    assert "November 22, 2026, 10:05\u202fAM (Europe/Paris), from the address 192.0.2.7" in english
    assert "22 novembre 2026, 10:05 (Europe/Paris), depuis l’adresse 192.0.2.7" in french


def test_headers_say_who_wrote_what_and_that_nobody_answers() -> None:
    told_of = cause()
    message, _, _ = parts(Letters(LIVE).write(told_of))
    assert message["From"] == "Hébergeur <post@espace.example>"
    assert message["To"] == "kim@example.org"
    assert message["Message-ID"] == f"<{told_of.delivery_id}@espace.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert [name for name in message if name.lower().startswith(("list-", "bcc", "cc"))] == []


async def test_only_the_profiles_own_confirmed_address_is_greeted_by_name(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, FREE)
    await told(api.database, PASSWORD_CHANGED, FREE, address="victim@example.org")
    box = Box()
    await sent(api.database, box)
    greeted = ["Kim Beispiel" in message.get_body(("plain",)).get_content() for message in box.messages]  # type: ignore[union-attr]
    assert greeted == [True, False]


# What they cannot be made to say

INJECTIONS = [
    "Kim\r\nBcc: everybody@example.org",
    "Kim\nSubject: other",
    "Kim\n\nhttps://evil.example",
    "\x1b[31mKim",
    "\u202egro.live",
    "Kim\x00",
    "Kim\x85\u2028x",
]


@pytest.mark.parametrize("name", INJECTIONS)
def test_a_name_adds_no_header_and_no_line(name: str) -> None:
    clean = parts(Letters(LIVE).write(cause("api_token_created", name="Kim", facts={"name": "x"})))
    message, text, _ = parts(Letters(LIVE).write(cause("api_token_created", name=name, facts={"name": name})))
    assert message.keys() == clean[0].keys()
    assert message["Subject"] == clean[0]["Subject"]
    assert len(text.splitlines()) == len(clean[1].splitlines())
    assert [letter for letter in text if letter not in "\r\n" and steers(letter)] == []


def test_markup_in_a_name_is_text() -> None:
    name = '<script>alert(1)</script><a href="https://evil.example">&amp;{{ 7*7 }}</a>'
    _, text, html = parts(Letters(LIVE).write(cause("api_token_created", name=name, facts={"name": name})))
    assert name in text
    assert "<script>" not in html
    assert 'href="https://evil.example"' not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("address", ["a@example.org\r\nBcc: b@example.org", "a@example.org\n", "a b", "", "a@b, c@d"])
def test_an_address_that_is_none_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(MailRefused) as refused:
        Letters(LIVE).write(cause(address=address))
    assert (refused.value.reason, refused.value.permanent) == ("UNSAFE_HEADER", True)
    assert refused.value.__cause__ is None


def test_an_address_of_another_alphabet_is_written_in_ascii_where_it_can() -> None:
    message, _, _ = parts(Letters(LIVE).write(cause(address="kim@bücher.example")))
    assert message["To"] == "kim@xn--bcher-kva.example"


# Into a folder


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_a_folder_holds_one_whole_file_for_each_id(tmp_path: Path) -> None:
    letter = Letters(LIVE).write(cause())
    mailer = FolderMailer(tmp_path / "new" / "mail")
    await mailer.send(letter.message)
    (path,) = files(tmp_path / "new" / "mail")
    assert path.name == f"{str(letter.message['Message-ID'])[1:].partition('@')[0]}.eml"
    assert path.read_bytes() == bytes(letter.message)
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"read already")
    await mailer.send(letter.message)
    assert path.read_bytes() == b"read already"


async def test_a_folder_takes_no_path_for_an_id(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Message-ID"] = "<../../elsewhere@espace.example>"
    with pytest.raises(MailRefused):
        await FolderMailer(tmp_path).send(message)
    assert files(tmp_path) == []


def test_settings_choose_who_carries() -> None:
    assert isinstance(mailer_of(SETTINGS), FolderMailer)
    assert isinstance(mailer_of(Settings(smtp_url="smtps://user:pass@mail.example")), SmtpMailer)


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp+plain://u:hunter2@h", "smtp://h:x", "smtp://h/path"]
)
def test_a_server_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="smtp") as refused:
        Settings(smtp_url=url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "sender", ["", "Espace", "Espace <noreply>", "a@b.example\r\nBcc: c@d.example", "a b@c.example"]
)
def test_a_sender_is_an_address(sender: str) -> None:
    with pytest.raises(ValueError, match="a sender is an address"):
        Settings(mail_from=sender)


@pytest.mark.parametrize("url", ["app.example", "javascript:alert(1)", "https://app.example/?a=b", "https://a b"])
def test_links_lead_to_an_address_without_a_query(url: str) -> None:
    with pytest.raises(ValueError, match="an address is an origin"):
        Settings(application_url=url)


def test_production_sends_links_by_https_only() -> None:
    with pytest.raises(ValueError, match="ESPACE_APPLICATION_URL"):
        Settings(**PRODUCTION, application_url="http://app.example")


def test_a_mailer_does_not_show_its_password() -> None:
    assert "hunter2" not in repr(SmtpMailer("smtps://user:hunter2@mail.example"))


# By SMTP


class Inbox:
    """A server's answers to what it is sent; `answers` are given first, in order."""

    def __init__(self, *answers: str, at: str = "DATA") -> None:
        self.answers = list(answers)
        self.at = at
        self.received: list[EmailMessage] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.at == "RCPT" and self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.at == "DATA" and self.answers:
            return self.answers.pop(0)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def listening(inbox: Inbox) -> AsyncIterator[Mailer]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop, hostname="localhost"), "127.0.0.1", 0)
    try:
        yield SmtpMailer(f"smtp+plain://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def hanging_up_mid_data() -> AsyncIterator[Mailer]:
    """A server that takes an address and hangs up when the mail begins."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await writer.drain()
                await reader.read(10)
                break
            writer.write(b"250 OK\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield SmtpMailer(f"smtp+plain://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        await server.wait_closed()


async def states(database: Database) -> list[tuple[str, int, str | None]]:
    return [(row.state, row.attempt, row.last_error) for row in await rows(database)]


async def test_a_server_receives_what_was_written(api: Api) -> None:
    await told_with_link(api.database, PASSWORD_RESET_ASKED, LinkKind.PASSWORD_RESET, OWNER, OWNER.email)
    inbox = Inbox()
    async with listening(inbox) as mailer:
        await sent(api.database, mailer)
    assert await states(api.database) == [("SENT", 1, None)]
    (received,) = inbox.received
    assert received["To"] == OWNER.email
    assert received["Subject"] == "[Bac à sable] Choisissez un nouveau mot de passe"
    assert "esp_link_" in received.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
async def test_not_now_is_tried_again_under_the_same_id(api: Api, clock: FrozenClock, at: str) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    inbox = Inbox("451 Not now, owner@example.org", at=at)
    async with listening(inbox) as mailer:
        await sent(api.database, mailer)
        assert await states(api.database) == [("PENDING", 1, "SMTP_451")]
        clock.move(SETTINGS.delivery_pause)
        await sent(api.database, mailer)
    assert await states(api.database) == [("SENT", 2, None)]
    (row,) = await rows(api.database)
    assert [message["Message-ID"] for message in inbox.received] == [f"<{row.id}@espace.example>"]


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
async def test_never_is_given_up_with_the_code_and_without_the_words(api: Api, at: str) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with listening(Inbox("550 No such user owner@example.org", at=at)) as mailer:
        await sent(api.database, mailer)
    assert await states(api.database) == [("DEAD", 1, "SMTP_550")]


async def test_a_connection_dropped_mid_data_is_tried_again(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with hanging_up_mid_data() as mailer:
        await asyncio.wait_for(sent(api.database, mailer), 10)
    ((state, attempt, error),) = await states(api.database)
    assert (state, attempt) == ("PENDING", 1)
    assert error is not None
    assert error.startswith("SMTP")


async def test_no_server_is_tried_again(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with listening(Inbox()) as mailer:
        pass
    await sent(api.database, mailer)
    assert [(state, attempt) for state, attempt, _ in await states(api.database)] == [("PENDING", 1)]


async def test_a_server_without_tls_is_given_nothing_where_tls_is_asked(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    inbox = Inbox()
    async with listening(inbox) as mailer:
        assert isinstance(mailer, SmtpMailer)
        await sent(api.database, SmtpMailer(f"smtp://user:pass@127.0.0.1:{mailer.port}"))
    assert inbox.received == []
    assert [state for state, _, _ in await states(api.database)] == ["PENDING"]


# In the practice system


async def shown(api: Api, person: Any) -> list[dict[str, Any]]:
    """The mails of this session of tests that somebody sees, without the one the demo begins with."""
    found = (await api.ask(MAILS, token=await api.token(person))).data["sandbox"]["mails"]
    assert found["totalCount"] == len(found["nodes"])
    return list(found["nodes"][:-1])


async def test_mails_are_read_by_their_addressee_newest_first(api: Api, clock: FrozenClock) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    clock.move(timedelta(minutes=5))
    link = await told_with_link(api.database, PASSWORD_RESET_ASKED, LinkKind.PASSWORD_RESET, OWNER, OWNER.email)
    clock.move(timedelta(minutes=5))
    box = Box()
    await sent(api.database, box)
    reset, changed = await shown(api, OWNER)
    assert [reset["template"], changed["template"]] == ["password_reset", "password_changed"]
    assert [reset["sentAt"], changed["sentAt"]] == ["2026-11-22T09:05:00Z", "2026-11-22T09:00:00Z"]
    assert reset["subject"] == "[Bac à sable] Choisissez un nouveau mot de passe"
    assert reset["token"] == link_token(SETTINGS.secret_key, link.id)
    assert reset["text"] == box.messages[1].get_body(("plain",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
    assert changed["token"] is None
    assert await shown(api, FREE) == []
    find = "query Find($id: ID!) { node(id: $id) { id ... on SandboxMail { token } } }"
    for person, found in ((OWNER, reset["token"]), (FREE, None)):
        node = (await api.ask(find, {"id": reset["id"]}, token=await api.token(person))).data["node"]
        assert (node and node["token"]) == found


async def test_a_pending_address_is_the_askers_and_a_taken_one_is_its_holders(api: Api) -> None:
    for address in ("new@example.org", DELEGATE.email):
        await told_with_link(api.database, EMAIL_CHANGE_ASKED, LinkKind.EMAIL_CHANGE, OWNER, address)
    await sent(api.database)
    assert [mail["template"] for mail in await shown(api, OWNER)] == ["email_change"]
    assert [mail["template"] for mail in await shown(api, DELEGATE)] == ["email_already_known"]


async def test_production_keeps_and_shows_no_mails(api: Api, bound: Bound) -> None:
    live = Database(api.database.url.render_as_string(hide_password=False), clock=api.database.clock, sandbox=False)
    await told(live, PASSWORD_CHANGED, OWNER)
    await sent(live)
    await live.close()
    assert await shown(api, OWNER) == []
    mine = (await api.ask(MAILS, token=await api.token(OWNER))).data["sandbox"]["mails"]["nodes"][0]["id"]
    assert mine.startswith(global_id("SandboxMail", OWNER.key)[:15])
    async with serving(api.database, bound, **PRODUCTION) as production:
        token = await production.token(OWNER)
        assert (await production.ask(MAILS, token=token)).data["sandbox"] is None
        assert (await production.ask(f'{{ node(id: "{mine}") {{ id }} }}', token=token)).data["node"] is None


async def test_cards_to_practise_with_are_told_in_the_readers_language(api: Api) -> None:
    cards = "{ sandbox { testCards { token behaviour } } }"
    found = [
        (await api.ask(cards, token=await api.token(person))).data["sandbox"]["testCards"] for person in (OWNER, FREE)
    ]
    assert [card["token"] for card in found[0]] == [
        "card_ok",
        "card_declined",
        "card_3ds",
        "card_expiring",
        "card_silent",
        "card_reversed",
    ]
    assert found[0][1]["behaviour"] == "Elle est refusée : provision insuffisante."
    assert found[1][1]["behaviour"] == "It is declined: insufficient funds."


def test_what_protects_a_profile_is_told_by_mail() -> None:
    told = {action.code: action.mail for action in ACTIONS.values() if action.mail}
    assert told.items() >= {
        ("two_factor.enabled", "two_factor_enabled"),
        ("two_factor.disabled", "two_factor_disabled"),
        ("recovery_codes.replaced", "recovery_codes_regenerated"),
        ("token.created", "api_token_created"),
        ("profile.password_changed", "password_changed"),
        ("profile.email_changed", "email_changed"),
    }
