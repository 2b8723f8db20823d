"""Permissions as the API names them, and denials as its coded errors."""

from engine.error import FORBIDDEN, IP_NOT_ALLOWED, TWO_FACTOR_REQUIRED, UNAUTHENTICATED, FieldRefused
from models.decision import Denial
from models.permission import AccountPermission, DenialReason, OverallPermission, ServerPermission
from schema.enumeration import described
from schema.global_id import global_id

described(
    OverallPermission,
    "Profile-wide permissions.",
    ACCOUNT_MANAGEMENT="Open accounts and change their plan; renaming, deleting and transferring stay with the owner.",
    BILLING="Balance, invoices, payments, billing alerts and tickets.",
    TECHNICAL_ACCOUNT="All account permissions on all accounts.",
    TECHNICAL_SERVER="All server permissions on all servers.",
)
described(
    AccountPermission,
    "Permissions on one account.",
    TECHNICAL_CONTACT="Be told of technical tickets about the account.",
    USAGE="Disk space and logs.",
    RESOURCES="Probes and resources (private cloud).",
    STATISTICS="Site analytics.",
    SITES="Web sites.",
    DOMAINS="Domains and DNS.",
    EMAILS="E-mail.",
    EMAIL_HISTORY="History of sent e-mail.",
    DATABASES="Databases.",
    FTP="FTP.",
    SSH="SSH.",
    WEBDAV="WebDAV.",
    ENVIRONMENT="Language environments.",
    PROCESSES="Running processes.",
    IP_ADDRESSES="Dedicated IP addresses.",
    SSL_CERTIFICATES="SSL certificates.",
    MIGRATION="Migrations.",
    SCHEDULED_TASKS="Scheduled tasks.",
    BACKUPS="Backups.",
    SERVICES="Services.",
)
described(
    ServerPermission,
    "Permissions on one server.",
    TECHNICAL_CONTACT="Be told of technical tickets about the server.",
    SSH_USERS="SSH keys.",
    FIREWALL="Firewall.",
    SMTP="Mail queue, relay and spam score.",
    DATABASE_USERS="Database users.",
    SSL="Default certificate and TLS.",
    HTTP="Default site and log retention.",
    CONSUMPTION="Accounts and server status.",
    RESOURCES="Resource limits per account.",
    MIGRATION="Migrations.",
)

ANSWERS: dict[DenialReason, tuple[str, str]] = {
    DenialReason.UNAUTHENTICATED: (UNAUTHENTICATED, "Sign in first."),
    DenialReason.PERMISSION_MISSING: (FORBIDDEN, "This needs the permission {missing}, which the owner can grant."),
    DenialReason.OWNER_ONLY: (FORBIDDEN, "Only the owner may do or see this."),
    DenialReason.TWO_FACTOR_REQUIRED: (TWO_FACTOR_REQUIRED, "Verify a second factor first."),
    DenialReason.IP_NOT_ALLOWED: (IP_NOT_ALLOWED, "This address is not among those that the profile allows."),
    DenialReason.PROFILE_SUSPENDED: (FORBIDDEN, "The profile is suspended: nothing can be changed meanwhile."),
    DenialReason.EMAIL_NOT_VERIFIED: (FORBIDDEN, "Confirm your e-mail address first."),
    DenialReason.TOKEN_SCOPE: (
        FORBIDDEN,
        "This token may not do or see it: it is narrower than its profile, or an interactive session is needed.",
    ),
}


def refused(denial: Denial) -> FieldRefused:
    """PER-12. The error of a requirement that is not met: why, the permission that would help, and who can grant it."""
    code, message = ANSWERS[denial.reason]
    if code == UNAUTHENTICATED:
        return FieldRefused(code, message)
    extensions = {"reason": denial.reason.value}
    if denial.missing:
        extensions["missing"] = denial.missing.value
    if denial.owner_id:
        extensions["owner"] = global_id("Profile", denial.owner_id)
    return FieldRefused(code, message, extensions=extensions, missing=denial.missing)
