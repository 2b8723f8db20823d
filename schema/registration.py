"""Signing up."""

import strawberry

from models import profile as rows
from models.refusal import Code
from models.secret import unsaid
from resolvers import registration as acts
from schema.directive import PUBLIC
from schema.mutation import Info, MutationPayload, mutation
from schema.scalar import EmailAddress


@strawberry.input(description="Arguments of profileRegister.")
class ProfileRegisterInput:
    email: EmailAddress = strawberry.field(description="Log-in address.")
    password: str = strawberry.field(description="Password, 12 characters or more.")
    kind: rows.ProfileKind = strawberry.field(default=rows.ProfileKind.INDIVIDUAL, description="Legal form.")
    locale: rows.Locale = strawberry.field(default=rows.Locale.EN, description="Language.")
    invitation_token: str | None = strawberry.field(
        default=strawberry.UNSET, description="Token of an invitation e-mail (permission)."
    )
    accept_terms: bool = strawberry.field(description="The terms are accepted.")

    __repr__ = unsaid


@strawberry.type(description="Result of profileRegister.")
class ProfileRegisterPayload(MutationPayload):
    """Nothing of its own."""


@strawberry.type
class RegistrationMutation:
    @mutation(
        ProfileRegisterPayload,
        PUBLIC,
        fails=[Code.WEAK_PASSWORD, Code.EXPIRED],
        description=(
            "Create a profile; a confirmation e-mail follows. Succeeds alike when the address is known, so that "
            "addresses cannot be probed."
        ),
    )
    async def profile_register(self, info: Info, input: ProfileRegisterInput) -> ProfileRegisterPayload | None:
        await acts.register(
            info.context,
            email=input.email,
            password=input.password,
            kind=input.kind,
            locale=input.locale,
            accepts_terms=input.accept_terms,
            invitation=input.invitation_token or None,
        )
        return ProfileRegisterPayload.of()
