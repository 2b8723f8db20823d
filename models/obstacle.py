"""Why an object in its present state cannot be acted on: said by the verb that refuses, and by who asks beforehand."""

from typing import ClassVar

from models.refusal import Code, Refusal


class Obstacle(Refusal):
    """The object is not in a state that allows this. `remedy` is what would help, where anything would."""

    code = Code.CONFLICT
    remedy: ClassVar[str | None] = None


class UnderWay(Obstacle):
    """EVT-2. Something was asked of provisioning and is not answered yet."""

    message = "Something is being done to it at the moment."
    remedy = "Try again when it is done; most of it takes minutes."


class IsSuspended(Obstacle):
    """PRO-12. What is suspended is not changed."""

    message = "It is suspended."
    remedy = "Have the suspension lifted first."


class BeingDeleted(Obstacle):
    """ACC-5. Nothing can be done any more to what is being deleted."""

    message = "It is being deleted."


class TransferPending(Obstacle):
    """ACC-8. What is offered to somebody stays as it was offered."""

    code = Code.TRANSFER_PENDING
    message = "It is offered to somebody, who has not answered yet."
    remedy = "Cancel the transfer first."


class GoesWithServer(Obstacle):
    """ACC-8. An account on a server is its server's."""

    message = "It is on a server, and is handed over with that only."


class NotUrgent(Obstacle):
    """TIC-4. Day and night is part of some offers."""

    message = "The offer of this server has no urgent tickets."
    remedy = "Open a ticket: our team answers it in its turn."


class AccountsUnderWay(Obstacle):
    """ACC-5. A server is given up once nothing is being done to the accounts on it."""

    message = "Something is being done at the moment to an account on it."
    remedy = "Try again when it is done; most of it takes minutes."


class InterventionPlanned(Obstacle):
    """CAT-2. Giving a server up does not get around what cancelling costs."""

    message = "An intervention on a server is planned."
    remedy = "Cancel the intervention first; once its slot has begun, ask our support what became of it."
