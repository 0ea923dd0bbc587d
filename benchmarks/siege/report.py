"""What a siege found: a line for the terminal, and the table of docs/reliability.md."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc

from benchmarks.siege.neighbour import Waits
from benchmarks.siege.processes import ROOT

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- siege: begin -->", "<!-- siege: end -->"


@dataclass(frozen=True)
class Line:
    """One attack and what came of it. memory in bytes. wrong: what broke its bound. here: it could be tried."""

    name: str
    part: str
    sent: str
    bound: str
    came: str
    waits: Waits
    before: int
    after: int
    peak: int
    wrong: tuple[str, ...]
    here: bool
    seconds: float

    @property
    def verdict(self) -> str:
        return "FAILED" if self.wrong else "ok" if self.here else "not tried here"

    @property
    def memory(self) -> str:
        return f"{self.before >> 20} to {self.after >> 20} MiB, at most {self.peak >> 20}"


def said(line: Line) -> str:
    """For the terminal."""
    parts = [f"    {line.verdict}: {'; '.join(line.wrong)}" if line.wrong else f"    {line.verdict}",
             f"came back: {line.came or 'nothing'}", f"another client waited {line.waits}", f"memory {line.memory}",
             f"{line.seconds:.1f} s"]
    return " | ".join(parts)


def machine() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.partition(": ")[2] for line in info.read_text().splitlines() if line.startswith("model name")
             ] if info.exists() else []
    return (f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, {platform.system()}"
            f" {platform.release()}, Python {platform.python_version()}, grpc {grpc.__version__}")


def table(lines: list[Line]) -> str:
    """One line for each attack, by the part that it is aimed at."""
    rows = [f"Measured {datetime.now(UTC):%d %B %Y} on {machine()}; load {os.getloadavg()[0]:.1f} at the end.", "",
            "| sent | came back | another client waited: p50 / p99 / most | the service's memory | bound | |",
            "| --- | --- | --- | --- | --- | --- |"]
    for line in lines:
        came = "; ".join(filter(None, [line.came, *line.wrong]))
        cells = [f"{line.sent} (`{line.name}`)", came, str(line.waits), line.memory, line.bound, line.verdict]
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def write(lines: list[Line], path: Path = PAGE) -> None:
    """Puts the table between the page's marks."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{table(lines)}{END}{after}")
