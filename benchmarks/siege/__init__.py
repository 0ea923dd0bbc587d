"""Hostile input against the real service and gateway, and what it did to them: `make siege`."""
