"""From logits to decisions: pure tensor functions. Knows nothing of sessions, models or the network.

One pipeline, one order (`distribution`), one kind of noise (`noise`), and one file for each
sampler, listed in `registry`.
"""
