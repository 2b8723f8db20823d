"""Figures of signing in, of guessing and of permissions; see models/setting.py."""

from datetime import timedelta

from pydantic import BaseModel, Field

from models.duration import Duration


class SecurityFigures(BaseModel):
    """What rules of security read; all of it is real time."""

    session_lifetime: Duration = Field(
        default=timedelta(days=14), description="How long a cookie session lasts without being used."
    )
    access_token_lifetime: Duration = Field(
        default=timedelta(minutes=30), description="How long the access token of a bearer session is accepted."
    )
    refresh_token_lifetime: Duration = Field(
        default=timedelta(days=60), description="How long a bearer session can be renewed after its last use."
    )
    session_seen_interval: Duration = Field(
        default=timedelta(minutes=1), description="A session's last use is written at most this often."
    )
    sessions_per_profile: int = Field(
        default=50,
        ge=1,
        description="Open sessions of one profile; signing in beyond closes the one unused for longest.",
    )
    challenge_lifetime: Duration = Field(
        default=timedelta(minutes=5), description="PRO-5. How long a sign-in waits for its second factor."
    )
    two_factor_issuer: str = Field(
        default="Espace", min_length=1, description="PRO-5. Name of the service in authenticators."
    )
    rate_limits: bool = Field(
        default=True, description="`off` lifts LIM-1, for load and test tools; refused in production."
    )
    sign_ins_per_address: int = Field(default=20, ge=1, description="LIM-1. Sign-ins from one address at once.")
    sign_in_address_interval: Duration = Field(
        default=timedelta(minutes=1), description="LIM-1. One more sign-in from that address each."
    )
    sign_ins_per_profile: int = Field(
        default=10,
        ge=1,
        description="LIM-1. Wrong passwords from one network for one e-mail address, or in one session, at once.",
    )
    sign_in_profile_interval: Duration = Field(
        default=timedelta(minutes=5), description="LIM-1. One more wrong password each."
    )
    sign_ins_per_email: int = Field(
        default=100,
        ge=1,
        description="LIM-1. Wrong passwords for one e-mail address from all networks it never signed in from, at once.",
    )
    sign_in_email_interval: Duration = Field(
        default=timedelta(minutes=5), description="LIM-1. One more wrong password from those networks each."
    )
    known_network_retention: Duration = Field(
        default=timedelta(days=365),
        description="LIM-1. How long the networks that a profile signed in from are remembered.",
    )
    codes_per_address: int = Field(default=20, ge=1, description="LIM-1. Codes from one address at once.")
    code_address_interval: Duration = Field(
        default=timedelta(minutes=1), description="LIM-1. One more code from that address each."
    )
    codes_per_profile: int = Field(default=10, ge=1, description="LIM-1. Wrong one-time codes for one profile at once.")
    code_profile_interval: Duration = Field(
        default=timedelta(hours=30), description="LIM-1. One more wrong one-time code each."
    )
    resets_per_address: int = Field(
        default=10, ge=1, description="LIM-1. Resets, and as many other mails, asked for from one address at once."
    )
    reset_address_interval: Duration = Field(
        default=timedelta(minutes=10), description="LIM-1. One more from that address each."
    )
    resets_per_profile: int = Field(
        default=3,
        ge=1,
        description="LIM-1. Resets, and as many other mails, asked for one e-mail address from one network at once.",
    )
    reset_profile_interval: Duration = Field(
        default=timedelta(hours=1), description="LIM-1. One more from that network each."
    )
    resets_per_email: int = Field(
        default=20, ge=1, description="LIM-1. The same from all networks that it never signed in from, at once."
    )
    reset_email_interval: Duration = Field(
        default=timedelta(minutes=30),
        description="LIM-1. One more from those networks each; not longer than a reset's link works.",
    )
    tokens_per_profile: int = Field(default=50, ge=1, description="TOK-2. API tokens of one profile.")
    networks_per_allowlist: int = Field(
        default=50, ge=1, description="PRO-6. Networks that one list of allowed addresses may hold."
    )
    password_reset_lifetime: Duration = Field(
        default=timedelta(hours=1), description="PRO-7. How long the link of a forgotten password works."
    )
    email_link_lifetime: Duration = Field(
        default=timedelta(days=3), description="PRO-1, PRO-3. How long the link that confirms an address works."
    )
    invitation_lifetime: Duration = Field(
        default=timedelta(days=30), description="PER-7. How long the link of an invitation to set up a profile works."
    )
    transfer_lifetime: Duration = Field(default=timedelta(days=30), description="ACC-8. How long an offer waits.")
    grants_per_profile: int = Field(
        default=2000, ge=1, description="PER-5. Profiles that one owner can grant permissions to."
    )
    grants_at_once: int = Field(default=200, ge=1, description="PER-5. Grants that one owner saves at once.")
    grant_interval: Duration = Field(default=timedelta(minutes=1), description="PER-5. One more grant each.")
    grants_per_address: int = Field(
        default=20, ge=1, description="PER-5. Grants that one owner saves for one address at once."
    )
    grant_address_interval: Duration = Field(
        default=timedelta(minutes=10), description="PER-5. One more grant for that address each."
    )
    grant_entries: int = Field(default=500, ge=1, description="PER-5. Accounts, and servers, that one grant can name.")
    document_link_lifetime: Duration = Field(
        default=timedelta(minutes=10), description="BIL-19. How long the link to a document works."
    )
