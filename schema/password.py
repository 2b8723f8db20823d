"""Passwords: changing one, and a new one for one that was forgotten."""

import strawberry

from models.refusal import Code
from models.secret import unsaid
from resolvers import password as acts
from schema.directive import PUBLIC, authorize
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.profile import Profile
from schema.scalar import EmailAddress


@strawberry.input(description="Arguments of passwordChange.")
class PasswordChangeInput:
    current_password: str = strawberry.field(description="Present password.")
    new_password: str = strawberry.field(description="New password.")

    __repr__ = unsaid


@strawberry.type(description="Result of passwordChange.")
class PasswordChangePayload(MutationPayload):
    profile: Profile | None = refetched("profile", "The profile.")


@strawberry.input(description="Arguments of passwordResetRequest.")
class PasswordResetRequestInput:
    email: EmailAddress = strawberry.field(description="Log-in address.")


@strawberry.type(description="Result of passwordResetRequest.")
class PasswordResetRequestPayload(MutationPayload):
    """Nothing of its own."""


@strawberry.input(description="Arguments of passwordReset.")
class PasswordResetInput:
    token: str = strawberry.field(description="Token received.")
    password: str = strawberry.field(description="New password.")

    __repr__ = unsaid


@strawberry.type(description="Result of passwordReset.")
class PasswordResetPayload(MutationPayload):
    """Nothing of its own."""


@strawberry.type
class PasswordMutation:
    @mutation(
        PasswordResetRequestPayload,
        PUBLIC,
        quiet=True,
        description="Ask for a password reset e-mail; always succeeds, so that addresses cannot be probed.",
    )
    async def password_reset_request(
        self, info: Info, input: PasswordResetRequestInput
    ) -> PasswordResetRequestPayload | None:
        await acts.request_reset(info.context, email=input.email)
        return PasswordResetRequestPayload.of()

    @mutation(
        PasswordResetPayload,
        PUBLIC,
        fails=[Code.WEAK_PASSWORD, Code.EXPIRED],
        description="Set a new password with the token received; closes all sessions.",
    )
    async def password_reset(self, info: Info, input: PasswordResetInput) -> PasswordResetPayload | None:
        await acts.reset(info.context, token=input.token, new=input.password)
        return PasswordResetPayload.of()

    @mutation(
        PasswordChangePayload,
        authorize(interactive=True),
        fails=[Code.INVALID_CREDENTIALS, Code.WEAK_PASSWORD],
        description="Change the password; closes the other sessions.",
        suspended=True,
    )
    async def password_change(self, info: Info, input: PasswordChangeInput) -> PasswordChangePayload | None:
        key = await acts.change(info.context, current=input.current_password, new=input.new_password)
        return PasswordChangePayload.of(profile=key)
