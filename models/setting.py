"""Figures of the rules that an operator may change: delays, limits, rates. Every one is `ESPACE_<NAME>`."""

from datetime import timedelta
from zoneinfo import available_timezones

from pydantic import Field, field_validator
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from models.duration import Duration as Duration
from models.staff_setting import StaffFigures


class Figures(StaffFigures):
    """What rules read. Defaults are the shipped ones; the application adds where it listens and stores."""

    billing_zone: str = Field(default="Europe/Paris", description="Time zone of civil dates on documents and periods.")
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
    account_name_least: int = Field(default=2, ge=1, description="ACC-2. Characters of an account's name at least.")
    account_name_most: int = Field(
        default=30, ge=1, le=63, description="ACC-2. Characters of an account's name at most; a host's label has 63."
    )
    account_domain: str = Field(
        default="espace.example",
        pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$",
        description="ACC-2. Domain that the hosts of accounts are under: `NAME.DOMAIN`, `ssh-NAME.DOMAIN`.",
    )
    account_home: str = Field(
        default="/home", pattern="^(/[a-z0-9_-]+)+$", description="ACC-4. Directory that accounts have their home in."
    )
    free_accounts: int = Field(default=1, ge=0, description="ACC-3. Free accounts of one profile.")
    free_accounts_beside_paying: int = Field(
        default=2, ge=0, description="ACC-3. Free accounts of a profile that also has a paying one."
    )
    invoice_delay: Duration = Field(
        default=timedelta(hours=6),
        description="BIL-2. How long after an order or a renewal it is invoiced, with what is ordered meanwhile.",
    )
    renewal_notice: Duration = Field(
        default=timedelta(days=30),
        description="BIL-4, CAT-4. How long before a renewal of a year, or at another price, its owner is told.",
    )
    quote_lifetime: Duration = Field(
        default=timedelta(minutes=15), description="BIL-14. How long a quote is accepted, by the business clock."
    )
    intent_retention: Duration = Field(
        default=timedelta(hours=24), description="BIL-15. How long what an idempotency key did is remembered."
    )
    intent_pause: Duration = Field(
        default=timedelta(seconds=2), description="BIL-15. When to retry a key whose first request is still running."
    )
    payment_terms: Duration = Field(
        default=timedelta(days=30), description="BIL-3. How long after its issue an invoice is due, in whole days."
    )
    alert_first_reminder: Duration = Field(
        default=timedelta(days=15), description="ALE-4. How long after an alert its first reminder is sent."
    )
    alert_second_reminder: Duration = Field(
        default=timedelta(days=25), description="ALE-4. How long after it the second one is sent."
    )
    alert_final_warning: Duration = Field(
        default=timedelta(days=29), description="ALE-4. How long after it the final warning is sent."
    )
    alert_expiry: Duration = Field(
        default=timedelta(days=30),
        description="ALE-4. How long there is to resolve an alert; then it has consequences.",
    )
    inactivity_young: Duration = Field(
        default=timedelta(days=120),
        description="PRO-14. After how long without a sign-in a young profile with free accounts alone is inactive.",
    )
    inactivity_grown_months: int = Field(
        default=6, ge=1, description="PRO-14. The same for one that is no longer young, in months."
    )
    inactivity_old_months: int = Field(default=12, ge=1, description="PRO-14. The same for an old one.")
    inactivity_grown_years: int = Field(default=1, ge=1, description="PRO-14. Until what age a profile is young.")
    inactivity_old_years: int = Field(default=4, ge=1, description="PRO-14. From what age on it is old.")
    inactivity_look: Duration = Field(
        default=timedelta(days=7),
        description="PRO-14. When it is looked again whether one that has more than that, has it still.",
    )
    suspension_deletion: Duration = Field(
        default=timedelta(days=30), description="PRO-13. How long after its suspension a profile is to be deleted."
    )
    deletion_pause: Duration = Field(
        default=timedelta(days=1),
        description="PRO-13. When a deletion is tried again that waits for a payment, an invoice or the machines.",
    )
    deletion_first_warning: Duration = Field(
        default=timedelta(days=7), description="PRO-13. How long before that its owner is warned first."
    )
    deletion_last_warning: Duration = Field(
        default=timedelta(days=1), description="PRO-13. How long before that its owner is warned once more."
    )
    invoice_prefix: str = Field(
        default="F",
        pattern=r"^[A-Z0-9]{1,8}$",
        description="BIL-2. What numbers of invoices begin with, before the year; another than that of credit notes.",
    )
    credit_note_prefix: str = Field(
        default="A", pattern=r"^[A-Z0-9]{1,8}$", description="BIL-2. The same of credit notes."
    )
    seller_name: str = Field(
        default="Espace", min_length=1, max_length=200, description="BIL-2. Who sells, as documents say: the name."
    )
    seller_street: str = Field(default="", max_length=200, description="BIL-2. The street, in one line.")
    seller_postal_code: str = Field(default="", max_length=20, description="BIL-2. The postal code.")
    seller_city: str = Field(default="", max_length=200, description="BIL-2. The city.")
    seller_country: str = Field(default="FR", pattern="^[A-Z]{2}$", description="BIL-2. The country, as ISO 3166-1.")
    seller_registration_number: str = Field(default="", max_length=40, description="BIL-2. The SIRET.")
    seller_vat_number: str | None = Field(
        default=None, max_length=40, description="BIL-7. VAT number of the provider, for mentions and for asking VIES."
    )
    one_stop_shop: bool = Field(
        default=True,
        description="BIL-7. Consumers of the Union pay the VAT of their country; `off` below the yearly threshold.",
    )
    vat_check_timeout: Duration = Field(
        default=timedelta(seconds=15), description="BIL-7. How long VIES may take to tell of a VAT number."
    )
    vat_check_validity: Duration = Field(
        default=timedelta(days=30), description="BIL-7. How long what VIES said of a VAT number holds for invoices."
    )
    vat_check_pause: Duration = Field(
        default=timedelta(hours=1), description="BIL-7. When VIES is asked again that did not tell."
    )
    vat_check_patience: Duration = Field(
        default=timedelta(days=3), description="BIL-7. How long an invoice waits for VIES; then it is issued with VAT."
    )
    vat_recheck_pause: Duration = Field(
        default=timedelta(days=1),
        description="BIL-7. When VIES is asked again about what was invoiced with VAT meanwhile.",
    )
    vat_recheck_patience: Duration = Field(
        default=timedelta(days=90), description="BIL-7. How long VIES is asked about an invoice; then its VAT stays."
    )
    top_up_least: int = Field(default=1, ge=1, description="BIL-8. Euros that can be paid in at once, at least.")
    top_up_most: int = Field(default=10_000, ge=1, description="BIL-8. The same at most.")
    payment_methods_per_profile: int = Field(default=10, ge=1, description="BIL-9. Means of payment on file.")
    payment_timeout: Duration = Field(
        default=timedelta(seconds=20), description="BIL-10. How long a payment provider may take to answer."
    )
    payment_ask_pause: Duration = Field(
        default=timedelta(minutes=1),
        description="BIL-10. When a provider that did not answer is asked again; doubled each time.",
    )
    payment_ask_longest_pause: Duration = Field(
        default=timedelta(hours=1), description="BIL-10. How long to wait between two such questions at most."
    )
    payment_patience: Duration = Field(
        default=timedelta(hours=1),
        description="BIL-10. Until when what never reached the provider is sent again; then the payment failed.",
    )
    payment_action_lifetime: Duration = Field(
        default=timedelta(hours=1), description="BIL-10. How long a sandbox waits for the customer, as with 3-D Secure."
    )
    collection_retry_days: tuple[int, ...] = Field(
        default=(3, 7, 14),
        description="BIL-9. Days after which an automatic debit that failed is tried again; a JSON list.",
    )
    bank_transfer_patience: Duration = Field(
        default=timedelta(days=30), description="BIL-8. How long an announced bank transfer is waited for."
    )
    bank_holder: str = Field(
        default="", max_length=200, description="BIL-8. Who holds the account for transfers; by default who sells."
    )
    bank_iban: str = Field(
        default="FR7630006000011234567890189", pattern="^[A-Z]{2}[0-9A-Z]{13,32}$", description="BIL-8. Its IBAN."
    )
    bank_bic: str = Field(
        default="AGRIFRPP", pattern="^[A-Z0-9]{8}([A-Z0-9]{3})?$", description="BIL-8. The BIC of its bank."
    )
    notice_tolerance: Duration = Field(
        default=timedelta(seconds=300), description="BIL-10. How old a provider’s signed notice may be."
    )
    provisioning_delay: Duration = Field(
        default=timedelta(milliseconds=500),
        description="EVT-2. How long the simulator, which is there where nothing else is, takes for what it is asked.",
    )
    infrastructure_timeout: Duration = Field(
        default=timedelta(seconds=2), description="ACC-10. How long the machines may take to tell their figures."
    )
    clock_advance_years: int = Field(default=2, ge=1, description="How far one call may move the sandbox clock.")
    session_retention: Duration = Field(
        default=timedelta(days=30), description="How long ended and expired sessions are kept before they are deleted."
    )
    link_retention: Duration = Field(
        default=timedelta(days=30), description="How long links are kept after their end before they are deleted."
    )
    delivery_attempts: int = Field(
        default=12, ge=1, description="How often a mail is tried before it is given up: see `espace deliveries`."
    )
    delivery_pause: Duration = Field(
        default=timedelta(minutes=1), description="How long to wait after a mail failed first; doubled each time."
    )
    delivery_longest_pause: Duration = Field(
        default=timedelta(hours=6), description="How long to wait between two attempts at most."
    )
    delivery_lease: Duration = Field(
        default=timedelta(minutes=5),
        description="How long a worker has for one mail before another takes it; sending may last half of it.",
    )

    delivery_retention: Duration = Field(
        default=timedelta(days=30),
        description="How long mails that were sent are kept, the sandbox's too; one that was not is kept.",
    )

    @field_validator("seller_vat_number")
    @classmethod
    def _vat_number(cls, value: str | None) -> str | None:
        try:
            return vat.validate(value) if value else None
        except ValidationError:
            raise ValueError("this is not a VAT number of a country of the European Union") from None

    @field_validator("billing_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("there is no such time zone")
        return value
