"""What a row found, and what it must hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

BOOT_S = EXIT_S = 5.0
P50_TIMES, P99_TIMES = 1.10, 1.25
OPERATION = "Requests|shop|local|POST /checkout"


@dataclass
class Result:
    """One row. ``lost`` by signal; ``times``: p50 and p99 over the healthy twin's, medians of slices.

    ``memory_mb``: how much more resident memory than the healthy twin it took at most, in MB, beside ``cap_mb``.
    ``broken``: what does not hold, in words. ``notes``: what a reader should know of the figures.
    """

    name: str
    requests: int = 0
    rate: float = 0.0
    lost: dict[str, int] = field(default_factory=dict)
    twice: int = 0
    p50_times: float | None = None
    p99_times: float | None = None
    memory_mb: float | None = None
    cap_mb: float | None = None
    boot_s: float | None = None
    exit_s: float | None = None
    healed_s: float | None = None
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return not self.broken

    def hold(self, what: str, value: float | None, limit: float) -> None:
        """Note a figure that is over its limit."""
        if value is not None and value > limit:
            self.broken.append(f"{what} {value:.2f} > {limit:g}")

    def judge(self, patience: float, *, lossless: bool = True) -> Result:
        """Compare every figure with its limit; ``lossless``: nothing may be lost at all.

        ``patience`` multiplies the limits of boot and exit.
        """
        if lossless:
            self.broken += [f"{count} of its {name} lost" for name, count in self.lost.items() if count]
        self.hold("p50, times healthy", self.p50_times, P50_TIMES)
        self.hold("p99, times healthy", self.p99_times, P99_TIMES)
        self.hold("boot, s", self.boot_s, BOOT_S * patience)
        self.hold("exit, s", self.exit_s, EXIT_S * patience)
        if self.cap_mb is not None:
            self.hold("memory over the healthy twin, MB", self.memory_mb, self.cap_mb)
        return self

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}
