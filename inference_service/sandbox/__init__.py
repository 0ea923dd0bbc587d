"""What strangers wrote is compiled and rendered in child processes with limits; the lowest layer of the service.

    scope     the call that some work is for: its deadline, and whether anybody still waits for it
"""
