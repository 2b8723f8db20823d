"""TOK-5. What other services of the provider ask and report, with credentials of their own."""

from typing import Any, ClassVar

import strawberry
from strawberry.schema_directive import Location

from engine.error import FORBIDDEN, UNAUTHENTICATED, FieldRefused
from models.context import Context
from models.service import ServiceScope
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


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], description="For services whose credential has this scope."
)
class Service:
    """A requirement of the staff schema: a service credential of this scope."""

    scope: ServiceScope = strawberry.directive_field(name="scope")
    subject: ClassVar[None] = None
    requirement: ClassVar[None] = None

    def check(self, context: Context, subject: Any) -> None:
        """Raises the coded error of what is missing."""
        viewer = context.viewer
        if viewer.service_id is None:
            raise FieldRefused(UNAUTHENTICATED, "This needs a service credential.")
        if self.scope not in viewer.scopes:
            missing = {"missing": self.scope.value}
            raise FieldRefused(
                FORBIDDEN, "This credential has not the scope {scope}.", extensions=missing, scope=self.scope
            )


ACCESS_CHECK = Service(scope=ServiceScope.ACCESS_CHECK)
PROVISIONING = Service(scope=ServiceScope.PROVISIONING)
PAYMENTS = Service(scope=ServiceScope.PAYMENTS)
ABUSE = Service(scope=ServiceScope.ABUSE)
DOMAINS = Service(scope=ServiceScope.DOMAINS)
SUPPORT = Service(scope=ServiceScope.SUPPORT)
