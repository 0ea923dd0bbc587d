"""The gRPC service that owns models and sessions."""
