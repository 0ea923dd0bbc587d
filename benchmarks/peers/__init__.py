"""Plain implementations of published decoding loops, to measure against: what a reader of the paper would write."""
