"""python -m tests.service.forking: the service as a process that starts in a moment, for tests that kill it often.

Imports the service once, then does what each line of its input says: "start" forks the service, which prints
"PID <pid>" and then what the service itself prints; "reap" waits for its end and prints "GONE <how>", a signal's
number as a negative one. Nothing is computed here and no thread runs, so that a fork is as good as a new process.
"""

import os
import sys
from pathlib import Path

import inference_service.rpc.server  # noqa: F401  what the service imports when it serves
from inference_service import __main__ as service
from inference_service.models.recognise import recognise
from inference_service.sandbox import processes


def main() -> int:
    model = os.environ["UNMASK_MODEL"]
    recognise(Path(model), model, {})  # imports the model's code; builds it without weights
    processes.processes.start = lambda: None  # takes longer than most of these lives, and nothing is compiled in them
    pid = 0
    for line in sys.stdin:
        if line == "start\n":
            threads = os.listdir("/proc/self/task")
            if len(threads) != 1:
                raise SystemExit(f"{len(threads)} threads run; a fork would have one of them")
            pid = os.fork()
            if not pid:
                print(f"PID {os.getpid()}", flush=True)
                return service.main()
        elif line == "reap\n":
            print(f"GONE {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
