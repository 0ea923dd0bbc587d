"""Which sessions run next, on which batch. One thread owns the device."""
