"""Servers in this process, as the tests of the service have them."""

from tests.service.conftest import made_up_models, serve

__all__ = ["made_up_models", "serve"]
