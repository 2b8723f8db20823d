"""Figures of the rules that an operator may change: delays, limits, rates. Every one is `ESPACE_<NAME>`."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import NoDecode
from stdnum.eu import vat

from models.bank_account import SAMPLE_IBAN, Iban
from models.duration import Duration
from models.setting_security import SecurityFigures
from models.staff_setting import StaffFigures
from models.ticket_setting import TicketFigures


class Figures(SecurityFigures, TicketFigures, StaffFigures):
    """What rules read. Defaults are the shipped ones; the application adds where it listens and stores."""

    billing_zone: str = Field(default="Europe/Paris", description="Time zone of civil dates on documents and periods.")
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
    intervention_notice: Duration = Field(
        default=timedelta(hours=24),
        description="CAT-2. So long before its slot an intervention is cancelled for nothing.",
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
    card_expiry_notice: Duration = Field(
        default=timedelta(days=31),
        description="ALE-2. A card is told of whose last day is over in less than this.",
    )
    card_expiry_reminder: Duration = Field(
        default=timedelta(days=7), description="ALE-1. How long before the end of that day its owner is reminded."
    )
    domain_expiry_notice: Duration = Field(
        default=timedelta(days=30), description="ALE-2. How long before its end a domain is told of."
    )
    domain_late_renewal: Duration = Field(
        default=timedelta(days=7), description="ALE-2. The same of one that renews itself, and should have by then."
    )
    domain_renewal_notice: Duration = Field(
        default=timedelta(days=30),
        description="ALE-2. How long before its end the money for a domain that renews itself has to be there.",
    )
    domain_first_reminder: Duration = Field(
        default=timedelta(days=14), description="ALE-1. How long before the end of a domain is reminded first."
    )
    domain_second_reminder: Duration = Field(
        default=timedelta(days=7), description="ALE-1. How long before it is reminded once more."
    )
    domain_final_warning: Duration = Field(
        default=timedelta(days=1), description="ALE-1. How long before it the final warning is sent."
    )
    migration_reminder: Duration = Field(
        default=timedelta(days=7), description="ALE-1. How long before it is applied a migration is told of again."
    )
    migration_final_warning: Duration = Field(
        default=timedelta(days=1), description="ALE-1. How long before that once more, at least."
    )
    migration_retry: Duration = Field(
        default=timedelta(days=1), description="ALE-2. When a migration that failed is applied again by itself."
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
    export_lease: Duration = Field(
        default=timedelta(minutes=30), description="PRO-10. How long one worker may take to make an export."
    )
    export_attempts: int = Field(default=3, ge=1, description="PRO-10. How often it is tried to make one.")
    export_interval: Duration = Field(
        default=timedelta(days=1), description="PRO-10. How long after one that was made another can be asked for."
    )
    export_retention: Duration = Field(
        default=timedelta(days=7), description="PRO-10. How long an export is kept to be downloaded."
    )
    export_link_lifetime: Duration = Field(
        default=timedelta(minutes=10), description="PRO-10. How long a link to an export works."
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
        description="BIL-2. What numbers of invoices begin with, before the year; all three prefixes differ.",
    )
    credit_note_prefix: str = Field(
        default="A", pattern=r"^[A-Z0-9]{1,8}$", description="BIL-2. The same of credit notes."
    )
    receipt_prefix: str = Field(
        default="R", pattern=r"^[A-Z0-9]{1,8}$", description="BIL-2. The same of receipts for payments."
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
        default=timedelta(hours=1), description="BIL-10. How long the customer is waited for, as with 3-D Secure."
    )
    collection_retry_days: Annotated[tuple[PositiveInt, ...], NoDecode] = Field(
        default=(3, 7, 14),
        description="BIL-9. Days after which an automatic debit that failed is tried again; separated by commas.",
    )
    bank_transfer_patience: Duration = Field(
        default=timedelta(days=30), description="BIL-8. How long an announced bank transfer is waited for."
    )
    bank_holder: str = Field(
        default="", max_length=200, description="BIL-8. Who holds the account for transfers; by default who sells."
    )
    bank_iban: Iban = Field(default=SAMPLE_IBAN, pattern="^[A-Z]{2}[0-9A-Z]{13,32}$", description="BIL-8. Its IBAN.")
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
        if value and not vat.is_valid(value):
            raise ValueError("this is not a VAT number of a country of the European Union")
        return vat.compact(value) if value else None

    @field_validator("billing_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("there is no such time zone")
        return value
