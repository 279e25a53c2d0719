"""What every checker answers: right, wrong, or undecided with a reason."""

from __future__ import annotations

import dataclasses

STATUSES = ("right", "wrong", "undecided")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`reason` is a short stable code to count by, `detail` is for people."""

    status: str
    reason: str
    detail: str = ""

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {STATUSES}, got {self.status!r}")
        if not self.reason:
            raise ValueError("a verdict needs a reason")

    @property
    def correct(self) -> bool:
        return self.status == "right"

    def __bool__(self) -> bool:
        return self.correct

    @classmethod
    def right(cls, detail: str = "") -> Verdict:
        return cls("right", "right", detail)

    @classmethod
    def wrong(cls, reason: str, detail: str = "") -> Verdict:
        return cls("wrong", reason, detail)

    @classmethod
    def undecided(cls, reason: str, detail: str = "") -> Verdict:
        return cls("undecided", reason, detail)
