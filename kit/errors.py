"""The one error that a person sees.

It stands alone so that every room may raise it without importing another room.
"""

from __future__ import annotations


class KitError(Exception):
    """What is wrong and what to do about it, in one line.

    ``where`` names the file, setting or address at fault, ``problem`` says what is wrong with it (naming the key),
    ``remedy`` says what to do. The command line prints the three as one sentence and exits with 1.
    """

    def __init__(self, where: str, problem: str, remedy: str = "") -> None:
        self.where = where
        self.problem = problem
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        line = f"{self.where}: {self.problem}"
        if self.remedy:
            line = f"{line.rstrip('.')}. {self.remedy}"
        return " ".join(line.split())
