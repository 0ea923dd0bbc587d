"""The service as a process of its own, for what a server in the tests' process cannot show."""

import os
from types import SimpleNamespace

from tests.conftest import GOLDEN
from tests.forked import Forked
from tests.service.calls import WAIT, Api

ROOT = GOLDEN.parents[2]
READY = "UNMASK READY "


class Process(Forked):
    """The service on a store; `api` is there once it is ready. program: a script that starts it in another way."""

    def __init__(self, store, program="inference_service", *arguments, **variables):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("UNMASK_")}
        environ |= {"UNMASK_PORT": "0", "UNMASK_MODEL": str(GOLDEN), "UNMASK_STORE": str(store), **variables}
        super().__init__(program, *arguments, env=environ)

    def ready(self):
        line = self.printed.get(timeout=WAIT)
        assert line.startswith(READY), f"{line!r}; {self.errors}"
        self.api = Api(SimpleNamespace(address=line.removeprefix(READY)))
        return self.api
