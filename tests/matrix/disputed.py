"""Cells on which the oracle and the service differ, until somebody decides: what the service answers, and why."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.matrix.expected import Caller, Target


@dataclass(frozen=True)
class Dispute:
    """One difference: the names it is about, whom it concerns, the service's answer, and both readings."""

    names: frozenset[str]
    concerns: Callable[[Caller, Target], bool]
    answer: str
    reason: str


DISPUTED: tuple[Dispute, ...] = ()


def disputed(caller: Caller, name: str, target: Target, expected: str) -> str:
    """What is to be compared with: the expected answer, or the service's where the two are disputed."""
    for each in DISPUTED:
        if name in each.names and each.concerns(caller, target) and expected != each.answer:
            return each.answer
    return expected
