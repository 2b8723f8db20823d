"""Section 14, PRO-7. Figures of what the staff does for customers."""

from datetime import timedelta

from pydantic import BaseModel, Field

from models.duration import Duration


class StaffFigures(BaseModel):
    """How long things wait on the staff's desk."""

    approval_lifetime: Duration = Field(
        default=timedelta(days=2), description="Section 14. How long what staff asks for waits for a second member."
    )
    recovery_code_lifetime: Duration = Field(
        default=timedelta(days=1), description="PRO-7. How long a code that the support team mailed is good."
    )
    recovery_code_guesses: int = Field(default=5, ge=1, description="PRO-7. How often such a code may be tried.")
    access_recovery_retention: Duration = Field(
        default=timedelta(days=90), description="PRO-7. How long requests for help with lost access are kept."
    )
