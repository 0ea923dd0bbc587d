"""Servers in this process, as the tests of the service have them."""

import pytest

from tests.service.calls import Api
from tests.service.conftest import made_up_models, serve

__all__ = ["api", "made_up_models", "serve"]


@pytest.fixture(scope="module")
def api(serve):
    """One server with the embedded model for the tests of a file, loaded."""
    with serve(model="embedded") as server:
        server.library.load("")
        api = Api(server)
        yield api
        api.channel.close()
