"""The models that ship: their names, and where their weights are."""

from pathlib import Path

EMBEDDED = "embedded"
EMBEDDED_CAUSAL = "embedded-causal"
CAUSAL = "causal"  # the family to load the second as: its tokenizer is the other model's, with a mask
EMBEDDED_FOLDER = Path(__file__).parents[1] / "embedded_model" / "weights"
EMBEDDED_CAUSAL_FOLDER = EMBEDDED_FOLDER.with_name("causal_weights")
