"""What models restored of corrupted texts, and as a table."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from unmask.messages import corruption_name
from unmask.v1.inspection_service_pb2 import RecoveredText, RecoveredTotal, RecoverResponse

COLUMNS = ("model", "index", "corruption", "ratio", "tokens", "masked", "right", "accuracy", "mean_probability",
           "forward_count")


@dataclass
class Recovered:
    """texts: as they were done. totals: of each model, in turn."""

    texts: list[RecoveredText] = field(default_factory=list)
    totals: list[RecoveredTotal] = field(default_factory=list)

    def take(self, response: RecoverResponse) -> None:
        """Adds what one message of a Recover tells."""
        if response.HasField("text"):
            self.texts.append(response.text)
        elif response.HasField("total"):
            self.totals.append(response.total)

    def ordered(self) -> list[RecoveredText]:
        """The texts, models in turn, each model's in the order that they were given in."""
        order = {total.model: place for place, total in enumerate(self.totals)}
        return sorted(self.texts, key=lambda text: (order.get(text.model, len(order)), text.index))

    def rows(self) -> list[dict[str, Any]]:
        """A row for each of `ordered`; see COLUMNS.

        ratio: masked / tokens, which is as near to what was asked for as whole tokens go. mean_probability: None
        where the sampler does not tell it.
        """
        return [{
            "model": text.model, "index": text.index, "corruption": corruption_name(text.corruption),
            "ratio": len(text.masked) / len(text.original), "tokens": len(text.original), "masked": len(text.masked),
            "right": text.right, "accuracy": text.accuracy,
            "mean_probability": text.mean_probability if text.HasField("mean_probability") else None,
            "forward_count": text.forward_count,
        } for text in self.ordered()]

    def csv(self) -> str:
        """The rows as comma-separated values, with a line of names first.

        A model's name that a spreadsheet would run as a formula gets a quote before it.
        """
        lines = io.StringIO()
        writer: csv.DictWriter[str] = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in self.rows():
            name = row["model"]
            writer.writerow({**row, "model": f"'{name}" if name.startswith(("=", "+", "-", "@")) else name})
        return lines.getvalue()
