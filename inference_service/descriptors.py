"""File descriptors: every connection takes one, and so do the store, a checkpoint's files and child processes."""

import resource
from contextlib import suppress

# Many systems begin with 1,024, which as many idle clients take up; the kernel memory of these is some 200 MB.
WANTED = 16_384


def raise_limit(wanted: int = WANTED) -> int:
    """Lets this process have `wanted` descriptors, or as many as the system allows it; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    with suppress(OSError, ValueError):  # a system that has a lower bound of its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
