"""Checkpoints of other programs, rewritten as folders that load like any other. Run once, by hand."""
