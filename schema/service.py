"""TOK-5, section 14. Who may ask and report at `/staff/graphql`: other services, and the staff's people."""

from typing import Any, ClassVar

import strawberry
from strawberry.schema_directive import Location

from engine.error import FORBIDDEN, UNAUTHENTICATED, FieldRefused
from models.context import Context
from models.service import ServiceScope
from models.staff import StaffRole, decide_desk
from models.viewer import Viewer
from schema.enumeration import described

described(
    ServiceScope,
    "What a service may ask or report.",
    ACCESS_CHECK="Ask whether the holder of a token may do something.",
    PROVISIONING="Report how provisioning came out.",
    PAYMENTS="Record bank transfers, and see what fits no payment.",
    ABUSE="Suspend profiles for what they host, and lift that.",
    DOMAINS="Report the domains of accounts.",
    SUPPORT="Do for customers what the support team does.",
)
described(
    StaffRole,
    "What somebody of the staff is there for.",
    SUPPORT="Helps customers.",
    BILLING="Keeps the books.",
    ABUSE="Acts on what breaks the law or the terms.",
    ADMIN="Gives roles to others.",
)


def _check(viewer: Viewer, *, scope: ServiceScope | None = None, role: StaffRole | None = None) -> None:
    """Raises the coded error of what is missing."""
    denial = decide_desk(viewer, scope=scope, role=role)
    if denial is None:
        return
    if denial.missing is None:
        raise FieldRefused(UNAUTHENTICATED, "This needs a service credential.")
    missing = {"missing": str(denial.missing)}
    if viewer.service_id is not None and scope is None:
        raise FieldRefused(FORBIDDEN, "This is for people of the staff.", extensions=missing)
    if viewer.service_id is not None:
        raise FieldRefused(
            FORBIDDEN, "This credential has not the scope {scope}.", extensions=missing, scope=denial.missing
        )
    if denial.missing not in StaffRole.__members__:
        raise FieldRefused(FORBIDDEN, "This needs a service credential.", extensions=missing)
    raise FieldRefused(FORBIDDEN, "This needs the role {role}.", extensions=missing, role=denial.missing)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description=(
        "For services whose credential has this scope, and for people of the staff with the role that goes with it: "
        "SUPPORT with PROVISIONING, BILLING with PAYMENTS, the role of the same name with any other."
    ),
)
class Service:
    """A requirement of the staff schema: a service credential of this scope, or the role of a person."""

    scope: ServiceScope = strawberry.directive_field(name="scope")
    subject: ClassVar[None] = None
    requirement: ClassVar[None] = None

    def check(self, context: Context, subject: Any) -> None:
        """Raises the coded error of what is missing."""
        self.check_viewer(context.viewer)

    def check_viewer(self, viewer: Viewer) -> None:
        """The same, of whoever follows something."""
        _check(viewer, scope=self.scope)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="For people of the staff with this role, or with any where none is named; no service passes.",
)
class Staff:
    """A requirement of the staff schema: a person, with this role."""

    role: StaffRole | None = strawberry.directive_field(name="role", default=strawberry.UNSET)
    subject: ClassVar[None] = None
    requirement: ClassVar[None] = None

    def check(self, context: Context, subject: Any) -> None:
        """Raises the coded error of what is missing."""
        self.check_viewer(context.viewer)

    def check_viewer(self, viewer: Viewer) -> None:
        """The same, of whoever follows something."""
        _check(viewer, role=self.role or None)


ACCESS_CHECK = Service(scope=ServiceScope.ACCESS_CHECK)
PROVISIONING = Service(scope=ServiceScope.PROVISIONING)
PAYMENTS = Service(scope=ServiceScope.PAYMENTS)
ABUSE = Service(scope=ServiceScope.ABUSE)
DOMAINS = Service(scope=ServiceScope.DOMAINS)
SUPPORT = Service(scope=ServiceScope.SUPPORT)
ANY_STAFF = Staff()
SUPPORT_STAFF = Staff(role=StaffRole.SUPPORT)
WHY = "Why, of people of the staff, who have to say it; it stands in the customer's history."
