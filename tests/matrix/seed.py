"""The rows of the matrix's world, written directly, not through the API."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from app.passwords import HashingPool
from models.account import Account
from models.activity import ActivityChannel, ActivityEvent
from models.alert import CONCERNED, Alert, AlertKind
from models.attachment import Attachment
from models.charge import RevenueKind
from models.column import new_id, table
from models.contract import Contract, ContractVersion
from models.db import Database
from models.document_series import DocumentKind
from models.export import Export
from models.fee import Fee, FeePrice
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.intervention import Intervention
from models.invoice import Invoice
from models.invoice_line import InvoiceLine, InvoiceTax
from models.journal import EntryKind, JournalEntry
from models.mail import SandboxMail
from models.migration import Migration
from models.payment import Payment, PaymentInvoice, PaymentStatus
from models.payment_method import MethodState, PaymentMethod
from models.payment_provider import CardBrand, PaymentMethodKind
from models.period import first_period
from models.permission import AccountPermission, OverallPermission, ServerPermission, mask_of
from models.plan import Plan, PlanKind, PlanPrice
from models.price import BillingPeriod
from models.profile import Profile, SuspensionReason
from models.sandbox import CLOCK_ID, ClockOffset
from models.secret import SecretKind, fingerprint, new_secret
from models.server import Server
from models.service_level import ServiceLevel
from models.session import Session, SessionMethod
from models.subscription import Subscription
from models.ticket import Ticket, TicketCounter, TicketMessage, TicketStatus
from models.ticket_category import TicketCategory
from models.token import ApiToken
from models.transfer import Transfer, TransferMode
from models.urgent_fee import UrgentFee
from models.vat import SELLER, Audience, VatTreatment
from models.vat_rate import VatRate
from tests.database import START
from tests.matrix.callers import CALLERS, Caller
from tests.matrix.world import CONTRACT_VERSION, ESTATES, PLAN, PRICE, SERVICE_LEVEL, Estate, World

PASSWORD = "espace-matrix-2026"
ELSEWHERE = ["203.0.113.0/24"]
"""Networks from which no test calls."""
SINCE = START - timedelta(days=90)
LONG_AFTER = START + timedelta(days=90)
CENTS = 500
"""What a month of the plan costs."""


async def seeded(database: Database, hashing: HashingPool) -> World:
    """The whole of it, in a migrated database without rows."""
    hashed = await hashing.hash(PASSWORD)
    world = World({name: Estate(name) for name in ESTATES})
    rows: list[SQLModel] = [ClockOffset(id=CLOCK_ID, microseconds=0), *sold()]
    for estate in world.estates.values():
        rows += estate_rows(estate, hashed)
    for caller in CALLERS.values():
        if caller.role != "anonymous":
            rows += caller_rows(world, caller, hashed)
    async with database.writing() as connection, AsyncSession(bind=connection) as session:
        kinds = dict.fromkeys(type(row) for row in rows)
        for kind in sorted(kinds, key=_after_what_it_refers_to):
            session.add_all([row for row in rows if type(row) is kind])
            await session.flush()
    return world


def _after_what_it_refers_to(kind: type[SQLModel]) -> int:
    return SQLModel.metadata.sorted_tables.index(table(kind))


def profile(key: UUID, name: str, hashed: str, **values: Any) -> Profile:
    """One that may do everything, but for what `values` say."""
    since = {"password_changed_at": SINCE, "created_at": SINCE, "email_verified_at": SINCE}
    email = f"{name.replace(':', '-').lower()}@matrix.example"
    return Profile(id=key, email=email, password_hash=hashed, organization_name=f"Matrix {name}", **{**since, **values})


def sold() -> Iterator[SQLModel]:
    """A plan and its price, a fee, and the contract about them: nobody's."""
    commitments: dict[str, Any] = {"response_minutes": 60, "repair_minutes": 240, "availability_hundredths": 9970}
    yield ServiceLevel(id=SERVICE_LEVEL, code="matrix", **commitments)
    sizes: dict[str, Any] = {"disk_gigabytes": 1, "memory_megabytes": 256, "cpu_thousandths": 250, "backup_days": 3}
    named: dict[str, Any] = {"code": "matrix", "position": 1, "name_en": "Matrix", "name_fr": "Matrice"}
    yield Plan(id=PLAN, kind=PlanKind.PUBLIC_CLOUD, service_level_id=SERVICE_LEVEL, **named, **sizes)
    yield PlanPrice(id=PRICE, plan_id=PLAN, period=BillingPeriod.MONTHLY, cents=CENTS, valid_from=SINCE)
    yield from (
        VatRate(
            territory=SELLER, audience=each, treatment=VatTreatment.STANDARD, rate_bp=2_000, valid_from=SINCE.date()
        )
        for each in Audience
    )
    yield TicketCounter(last=len(ESTATES))
    yield FeePrice(fee=Fee.URGENT_TICKET, cents=1, valid_from=SINCE)
    texts: dict[str, Any] = {"title_en": "Terms", "title_fr": "Conditions", "text_en": "All.", "text_fr": "Tout."}
    yield ContractVersion(id=CONTRACT_VERSION, document="terms", version="1", in_force_from=SINCE, **texts)


def estate_rows(estate: Estate, hashed: str) -> Iterator[SQLModel]:
    """A profile, what it owns, and its partner."""
    values: dict[str, Any] = {
        "two_factor_since": None if estate.name == "one_factor" else SINCE,
        "email_verified_at": None if estate.name == "unverified" else SINCE,
        "ip_allowlist": ELSEWHERE if estate.name == "wrong_address" else [],
    }
    if estate.name == "suspended":
        values |= {"suspended_at": SINCE, "suspension_reason": SuspensionReason.UNPAID_BALANCE}
        values |= {"deletion_at": LONG_AFTER}
    yield profile(estate.owner, estate.name, hashed, **values)
    yield profile(estate.partner, f"partner-{estate.name}", hashed)
    owned: dict[str, Any] = {"owner_id": estate.owner, "created_at": SINCE}
    yield Server(id=estate.server, name=estate.names[estate.server], plan_id=PLAN, **owned)
    yield Account(
        id=estate.account, name=estate.names[estate.account], plan_id=PLAN, transfer_id=estate.transfer, **owned
    )
    yield Account(id=estate.hosted, name=estate.names[estate.hosted], server_id=estate.server, **owned)
    yield _work(estate)
    yield _subscription(estate)
    of_account: dict[str, Any] = {"owner_id": estate.owner, "account_id": estate.account, "name": "matrix"}
    yield Migration(id=estate.migration, summary="Newer.", scheduled_for=LONG_AFTER.date(), **of_account)
    yield _offer(estate)
    yield from _billed(estate)
    yield from _paying(estate)
    yield from _asked(estate)
    yield from signed_in(estate.owner, estate.session, two_factors=False)[1]
    narrowing = {"only_owner_id": estate.owner, "only_account_id": estate.account}
    yield from token(estate.owner, estate.token, "Spare", **narrowing)[1]
    yield _event(estate)
    yield Contract(id=estate.contract, owner_id=estate.owner, version_id=CONTRACT_VERSION)
    yield SandboxMail(
        id=estate.mail, owner_id=estate.owner, sent_at=SINCE, template="welcome", subject="Welcome", text="Welcome."
    )
    yield from grant_rows(estate, estate.grant, estate.partner, Caller(name="partner", role="delegate", **_ONE_EACH))


_ONE_EACH: dict[str, Any] = {
    "overall": frozenset({"BILLING"}),
    "account": frozenset({"SITES"}),
    "server": frozenset({"HTTP"}),
}


def _work(estate: Estate) -> Intervention:
    """What is planned on the server."""
    return Intervention(
        id=estate.intervention,
        owner_id=estate.owner,
        server_id=estate.server,
        net_cents=CENTS,
        scheduled_for=LONG_AFTER,
        created_at=SINCE,
    )


def _subscription(estate: Estate) -> Subscription:
    """What runs for the account of the public cloud."""
    start, end = first_period(SINCE.date(), BillingPeriod.MONTHLY)
    return Subscription(
        id=estate.subscription,
        owner_id=estate.owner,
        account_id=estate.account,
        plan_id=PLAN,
        period=BillingPeriod.MONTHLY,
        price_id=PRICE,
        price_cents=CENTS,
        anchor=start,
        period_start=start,
        period_end=end,
        created_at=SINCE,
    )


def _offer(estate: Estate) -> Transfer:
    """The account of the public cloud, offered to the partner."""
    return Transfer(
        id=estate.transfer,
        sender_id=estate.owner,
        recipient_id=estate.partner,
        account_id=estate.account,
        name=estate.names[estate.account],
        mode=TransferMode.KEEP_END_DATE,
        created_at=SINCE,
        expires_at=LONG_AFTER,
    )


def _paying(estate: Estate) -> Iterator[SQLModel]:
    """A card on file, and a payment with it that waits for the customer."""
    card: dict[str, Any] = {"brand": CardBrand.VISA, "last4": "4242", "expires_on": LONG_AFTER.date()}
    of_owner: dict[str, Any] = {"owner_id": estate.owner, "kind": PaymentMethodKind.CARD, "provider": "sandbox"}
    yield PaymentMethod(
        id=estate.method, token="card_ok", state=MethodState.STORED, created_at=SINCE, **card, **of_owner
    )
    yield Payment(
        id=estate.payment,
        amount_cents=CENTS,
        method_id=estate.method,
        status=PaymentStatus.REQUIRES_ACTION,
        expires_at=LONG_AFTER,
        created_at=SINCE,
        ask_at=LONG_AFTER,
        **of_owner,
    )
    yield PaymentInvoice(payment_id=estate.payment, invoice_id=estate.invoice)


def _billed(estate: Estate) -> Iterator[SQLModel]:
    """An invoice, the entry that booked it, and an alert."""
    amounts: dict[str, Any] = {"net_cents": CENTS, "tax_cents": CENTS // 5}
    yield Invoice(
        id=estate.invoice,
        owner_id=estate.owner,
        kind=DocumentKind.INVOICE,
        series=estate.name,
        sequence=1,
        number=estate.names[estate.invoice],
        position=1,
        issued_on=SINCE.date(),
        issued_at=SINCE,
        due_on=LONG_AFTER.date(),
        overdue_at=LONG_AFTER,
        seller={},
        buyer={"kind": "COMPANY"},
        gross_cents=CENTS * 6 // 5,
        treatment="STANDARD",
        previous_hash="",
        hash="",
        left_cents=CENTS * 6 // 5,
        **amounts,
    )
    sold: dict[str, Any] = {"kind": RevenueKind.HOSTING, "label_en": "Matrix", "label_fr": "Matrice"}
    taxed: dict[str, Any] = {"rate_bp": 2_000, "territory": "FR", "invoice_id": estate.invoice, "position": 1}
    yield InvoiceLine(quantity=1, unit_cents=CENTS, **amounts, **sold, **taxed)
    yield InvoiceTax(base_cents=CENTS, tax_cents=CENTS // 5, **taxed)
    yield _booked(estate)
    yield _alert(estate)
    yield Export(id=estate.export, owner_id=estate.owner, asked_at=SINCE, lease_until=SINCE)


def _alert(estate: Estate) -> Alert:
    """ALE-3. One that concerns everybody whom any concerns: about a domain of the account."""
    about: dict[str, Any] = {"about_type": "Account", "about_id": estate.account, "account_id": estate.account}
    return Alert(
        id=estate.alert,
        owner_id=estate.owner,
        kind=AlertKind.DOMAIN_EXPIRY,
        concerned=CONCERNED[AlertKind.DOMAIN_EXPIRY],
        cause_id=estate.account,
        due_on=LONG_AFTER.date(),
        opened_at=SINCE,
        since=SINCE,
        **about,
    )


def _booked(estate: Estate) -> JournalEntry:
    """The entry of the invoice."""
    return JournalEntry(
        id=estate.entry,
        kind=EntryKind.INVOICE,
        owner_id=estate.owner,
        position=1,
        amount_cents=-CENTS * 6 // 5,
        balance_after_cents=-CENTS * 6 // 5,
        non_refundable_after_cents=0,
        booked_at=SINCE,
        recorded_at=SINCE,
        source_type="Invoice",
        source_id=estate.invoice,
        facts={"number": estate.names[estate.invoice]},
    )


def _asked(estate: Estate) -> Iterator[SQLModel]:
    """A ticket about billing, with a message, a file and a fee."""
    number: Any = ESTATES.index(estate.name) + 1
    of_owner: dict[str, Any] = {"owner_id": estate.owner, "category": TicketCategory.BILLING, "created_at": SINCE}
    by: dict[str, Any] = {"opened_by_id": estate.owner, "status": TicketStatus.WAITING_SUPPORT, "updated_at": SINCE}
    yield Ticket(id=estate.ticket, number=number, title="Matrix", message_count=1, **by, **of_owner)
    told: dict[str, Any] = {"ticket_id": estate.ticket, "body": "Matrix", "author_id": estate.owner}
    yield TicketMessage(id=estate.message, position=1, **told, **of_owner)
    content: dict[str, Any] = {"content_type": "text/plain", "byte_size": 1, "sha256": "", "stored_as": new_id()}
    yield Attachment(
        id=estate.file, message_id=estate.message, position=1, filename="matrix.txt", **content, **of_owner
    )
    label: dict[str, Any] = {"label_en": "Urgent", "label_fr": "Urgent", "rate_bp": 2_000}
    amounts: dict[str, Any] = {"net_cents": CENTS, "tax_cents": CENTS // 5}
    yield UrgentFee(ticket_id=estate.ticket, owner_id=estate.owner, agreed_at=SINCE, **label, **amounts)


def _event(estate: Estate) -> ActivityEvent:
    return ActivityEvent(
        id=estate.event,
        kind="profile.updated",
        occurred_at=SINCE,
        recorded_at=SINCE,
        owner_id=estate.owner,
        subject_type="Account",
        subject_id=estate.account,
        actor_id=estate.owner,
        channel=ActivityChannel.API_TOKEN,
        token_id=estate.token,
        changes={"name": ["before", "after"]},
    )


def caller_rows(world: World, caller: Caller, hashed: str) -> Iterator[SQLModel]:
    """Whoever calls: a profile, unless the owner does; the grant to it; its session or token."""
    estate = world.estate(caller)
    key = estate.owner
    if caller.role != "owner":
        key = world.profiles[caller.name] = new_id()
        values = {"email_verified_at": SINCE if caller.verified else None}
        yield profile(key, caller.name, hashed, two_factor_since=SINCE if caller.two_factor_on else None, **values)
    if caller.role == "delegate":
        world.grants[caller.name] = grant_id = new_id()
        yield from grant_rows(estate, grant_id, key, caller)
    credential = world.credentials[caller.name] = new_id()
    if caller.token:
        narrowed = {
            "another owner": {"only_owner_id": world.estates["other"].owner},
            "account": {"only_account_id": estate.account},
        }.get(caller.narrowed, {})
        secret, rows = token(key, credential, caller.name, read_only=caller.read_only, **narrowed)
    else:
        secret, rows = signed_in(key, credential, two_factors=caller.two_factors)
    world.secrets[caller.name] = secret
    yield from rows


def grant_rows(estate: Estate, key: UUID, grantee: UUID, caller: Caller) -> Iterator[SQLModel]:
    """What the owner of an estate grants to a caller; RESOURCES of an account only where that is on a server."""
    overall = mask_of(*(OverallPermission(name) for name in caller.overall))
    yield PermissionGrant(
        id=key,
        owner_id=estate.owner,
        grantee_id=grantee,
        overall=overall,
        requires_two_factor=caller.flagged,
        created_at=SINCE,
        updated_at=SINCE,
    )
    for account, names in ((estate.account, caller.account - {"RESOURCES"}), (estate.hosted, caller.account)):
        if names:
            mask = mask_of(*(AccountPermission(name) for name in names))
            yield AccountGrant(grant_id=key, account_id=account, permissions=mask)
    if caller.server:
        mask = mask_of(*(ServerPermission(name) for name in caller.server))
        yield ServerGrant(grant_id=key, server_id=estate.server, permissions=mask)


def signed_in(owner: UUID, key: UUID, *, two_factors: bool) -> tuple[str, list[SQLModel]]:
    """A secret, and the session that it opens."""
    secret = new_secret(SecretKind.ACCESS)
    times: dict[str, Any] = {
        "created_at": START,
        "last_seen_at": START,
        "expires_at": LONG_AFTER,
        "access_expires_at": LONG_AFTER,
    }
    session = Session(
        id=key,
        profile_id=owner,
        method=SessionMethod.BEARER,
        secret_hash=fingerprint(secret),
        two_factor_at=START if two_factors else None,
        ip_address="192.0.2.1",
        **times,
    )
    return secret, [session]


def token(owner: UUID, key: UUID, name: str, **values: Any) -> tuple[str, list[SQLModel]]:
    """A secret, and the API token that it is."""
    secret = new_secret(SecretKind.API)
    hashed: dict[str, Any] = {"prefix": secret[:12], "secret_hash": fingerprint(secret)}
    return secret, [ApiToken(id=key, profile_id=owner, name=name, created_at=SINCE, **hashed, **values)]
