"""Generated from proto/unmask/v1 by `make proto`. Do not edit."""
