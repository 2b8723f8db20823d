"""E-mail addresses: confirming one, asking again, changing it."""

import strawberry

from models.refusal import Code
from models.secret import unsaid
from resolvers import email as acts
from schema.directive import PUBLIC, authorize
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.scalar import EmailAddress
from schema.security import Security


@strawberry.input(description="Arguments of emailVerify.")
class EmailVerifyInput:
    token: str = strawberry.field(description="Token received.")

    __repr__ = unsaid


@strawberry.type(description="Result of emailVerify.")
class EmailVerifyPayload(MutationPayload):
    """Nothing of its own."""


@strawberry.input(description="Arguments of emailVerificationResend.")
class EmailVerificationResendInput:
    pending: bool = strawberry.field(default=False, description="Which address: the pending one, else the profile's.")


@strawberry.type(description="Result of emailVerificationResend.")
class EmailVerificationResendPayload(MutationPayload):
    security: Security | None = refetched("security", "Security settings.")


@strawberry.input(description="Arguments of emailChange.")
class EmailChangeInput:
    email: EmailAddress = strawberry.field(description="New address.")
    current_password: str = strawberry.field(description="Present password.")

    __repr__ = unsaid


@strawberry.type(description="Result of emailChange.")
class EmailChangePayload(MutationPayload):
    """Nothing of its own."""


@strawberry.type
class EmailMutation:
    @mutation(
        EmailVerifyPayload,
        PUBLIC,
        fails=[Code.EXPIRED],
        description="Confirm an e-mail address (registration or change) with the token received.",
    )
    async def email_verify(self, info: Info, input: EmailVerifyInput) -> EmailVerifyPayload | None:
        await acts.verify(info.context, token=input.token)
        return EmailVerifyPayload.of()

    @mutation(
        EmailVerificationResendPayload,
        authorize(interactive=True),
        unverified=True,
        description="Send the confirmation mail again, for the address of the profile or a pending one.",
        suspended=True,
    )
    async def email_verification_resend(
        self, info: Info, input: EmailVerificationResendInput
    ) -> EmailVerificationResendPayload | None:
        return EmailVerificationResendPayload.of(security=await acts.resend(info.context, pending=input.pending))

    @mutation(
        EmailChangePayload,
        authorize(interactive=True),
        fails=[Code.INVALID_CREDENTIALS],
        description=(
            "Change the log-in address; takes effect once confirmed. Succeeds alike when the address is taken, so that "
            "addresses cannot be probed."
        ),
        suspended=True,
    )
    async def email_change(self, info: Info, input: EmailChangeInput) -> EmailChangePayload | None:
        await acts.change(info.context, email=input.email, current=input.current_password)
        return EmailChangePayload.of()
