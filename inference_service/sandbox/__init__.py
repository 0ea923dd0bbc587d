"""What strangers wrote is compiled and rendered in child processes with limits; the lowest layer of the service.

    scope       the call that some work is for: its deadline, and whether anybody still waits for it
    processes   run a task in a child: start here
    limits      what a child may take; the errors of one that took more, or that refused its input
    lanes       how many children there are at once, and who waits for whom
    wire        messages between the service and its children
    zygote      the process that forks them
    child       what a child does first: gives up what it does not need, and sets its limits

A task is a function of JSON and bytes that answers with JSON and bytes. What it answers comes from a process that had
hostile input, so its callers check it.
"""
