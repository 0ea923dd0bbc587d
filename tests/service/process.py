"""The service as a process of its own, for what a server in the tests' process cannot show."""

import os
import queue
import subprocess
import sys
import threading
from types import SimpleNamespace

from tests.conftest import GOLDEN
from tests.service.calls import WAIT, Api

READY = "UNMASK READY "
ROOT = GOLDEN.parents[2]


class Process:
    """python -m inference_service on a store; `api` is there once it is ready."""

    def __init__(self, store, **variables):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("UNMASK_")}
        environ |= {"UNMASK_PORT": "0", "UNMASK_MODEL": str(GOLDEN), "UNMASK_STORE": str(store), **variables}
        self.process = subprocess.Popen([sys.executable, "-m", "inference_service"], cwd=ROOT, env=environ, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said = queue.Queue()
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        for line in self.process.stderr:
            self.said.put(line)

    def ready(self):
        line = self.process.stdout.readline()
        assert line.startswith(READY), f"{line!r}; {list(self.said.queue)}"
        self.api = Api(SimpleNamespace(address=line.removeprefix(READY).strip()))
        return self.api

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT)
