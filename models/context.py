"""What a command is given: the database, who is calling, the clock, the figures, and the outside parties."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from models.activity import ActivityChannel, Author, Fact
from models.clock import Clock
from models.db import Db
from models.infrastructure import Infrastructure, NoInfrastructure
from models.payment_provider import Providers
from models.permission import Requirement
from models.profile import Locale
from models.refusal import Code, Refusal
from models.session import Opened
from models.setting import Figures
from models.vat_register import NoVatRegister, VatRegister
from models.vault import NoVault, Vault
from models.viewer import Viewer
from models.visible import PARAMETERS, bindings


class OneGuessAtATime(Refusal):
    """PRO-8. A request carries one guess at a credential, so that limits on requests are limits on guesses."""

    code = Code.TOO_MANY_ATTEMPTS
    message = "Only one sign-in or code can be tried in one request."


class Passwords(Protocol):
    """Hashes passwords without holding anybody up. Each call costs one hash, whatever it is given."""

    def hash(self, password: str) -> Awaitable[str]: ...

    def matches(self, password: str, hashed: str | None) -> Awaitable[bool]:
        """Whether they belong together; against None (no such profile) it costs the same and is False."""
        ...

    def check(self, password: str, about_its_owner: Sequence[str]) -> Awaitable[None]:
        """Raises the refusal of a password that is too weak; costs no hash."""
        ...

    def outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than those of today."""
        ...


@dataclass(frozen=True, slots=True)
class Quota:
    """What a request costs in points, and what is left to its caller until the window ends (real time)."""

    cost: int = 0
    limit: int = 0
    remaining: int = 0
    reset_at: datetime | None = None


@dataclass
class Context:
    """One call of one command. The same for a request, a job of the worker and a test."""

    db: Db
    viewer: Viewer
    clock: Clock
    figures: Figures
    passwords: Passwords
    locale: Locale = Locale.EN
    request_id: str = ""
    sandbox: bool = False
    key: str = field(default="", repr=False)
    """The service's key, which seals what it hands out."""
    public_url: str = ""
    """Where people reach the service, without a path."""
    vault: Vault = field(default_factory=NoVault)
    """Seals secrets that are kept and read back."""
    infrastructure: Infrastructure = field(default_factory=NoInfrastructure)
    """Who tells of the machines."""
    vat_register: VatRegister = field(default_factory=NoVatRegister)
    """Who tells of VAT numbers."""
    payments: Providers = field(default_factory=Providers)
    """Who carries money."""
    quota: Quota = field(default_factory=Quota)
    requirement: Requirement = field(default_factory=Requirement)
    """What the command asks of the caller on the row that it changes; set by whoever calls it."""
    opened: Opened | None = None
    """The session that this call opened; the caller's browser or program is told."""
    ended: list[UUID] = field(default_factory=list)
    """The sessions that this call ended."""
    default_owner_id: UUID | None = None
    """TOK-4. The profile that is meant where an input leaves its owner out; None is the caller."""
    default_account_id: UUID | None = None
    """TOK-4. The account that is meant where an input leaves it out."""
    fact: Fact | None = None
    """EVT-1. What a live operation is woken by."""
    guessed: bool = False
    repeats: bool = False
    """BIL-15. What is asked for was done by an earlier request, and is only answered again."""
    held: tuple[Viewer, int, Mapping[str, Any]] | None = field(default=None, repr=False)
    """What the viewer holds as parameters: made once, and again where the viewer or the filters are others."""
    loads: dict[Any, Any] = field(default_factory=dict)
    """Batches of what is read, kept here by whoever reads."""

    @property
    def bindings(self) -> Mapping[str, Any]:
        """Parameters of the row filters that the permission model generates."""
        made = self.held
        if made is None or made[0] is not self.viewer or made[1] != len(PARAMETERS):
            made = self.held = self.viewer, len(PARAMETERS), bindings(self.viewer)
        return {**made[2], "in_sandbox": self.sandbox, "real_now": self.clock.now()}

    @property
    def reader(self) -> tuple[Viewer, Locale]:
        """Who is told something, and in which language."""
        return self.viewer, self.locale

    def become(self, viewer: Viewer) -> None:
        """Go on as somebody else: what is read and what is recorded from here on is theirs."""
        self.viewer = viewer
        through = ActivityChannel.SESSION if viewer.token_id is None else ActivityChannel.API_TOKEN
        channel = ActivityChannel.SYSTEM if viewer.profile_id is None else through
        channel = ActivityChannel.SUPPORT if viewer.roles else channel
        self.db.author = Author(
            channel, viewer.profile_id, viewer.session_id, viewer.ip_address, viewer.token_id, viewer.agent
        )
        self.loads.clear()

    def guess(self) -> None:
        """Count a guess at a credential; raises OneGuessAtATime at the second."""
        if self.guessed:
            raise OneGuessAtATime
        self.guessed = True
