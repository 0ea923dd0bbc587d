"""How many positions a step decides."""


def quota(open_count: int, steps_left: int) -> int:
    """How many to commit now, so that the rest spreads evenly and earlier steps take the remainder."""
    return -(-open_count // max(1, steps_left))
