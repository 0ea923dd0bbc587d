"""The siege: ``python -m benchmarks.siege``.

Starts the real service and gateway, sends them what hostile callers and broken checkpoints send, and says a line for
each: what came back, how long another client waited meanwhile, the service's memory before and after, and whether the
bound was kept. Exits with 1 where one was not.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.siege import report
from benchmarks.siege.attack import ATTACKS, Attack, Broken, Memory, NotHere, Siege, counted
from benchmarks.siege.ended import fault, hidden_paths
from benchmarks.siege.kinds import load_all
from benchmarks.siege.mutations import mutations
from benchmarks.siege.processes import DidNotStart, stop_all
from benchmarks.siege.report import Line


def run(attack: Attack, siege: Siege) -> Line:
    """Sends one attack and looks at everything that must still hold."""
    siege.ends, pid, wrong, came, here = [], siege.service.pid, [], "", True
    siege.memory, siege.begun = Memory(lambda: siege.service.pid), time.monotonic()
    siege.restarted = False
    begun, service = siege.begun, siege.service
    try:
        came = attack.run(siege) or ""
    except Broken as broken:
        wrong.append(str(broken))
    except NotHere as lacking:
        here, came = False, str(lacking)
    except DidNotStart as failed:
        wrong.append(str(failed)[-300:])
    except Exception as error:  # an attack that breaks off, most often since the service has
        wrong.append(f"the attack broke off: {type(error).__name__}: {str(error)[:300]}")
    seconds = time.monotonic() - begun
    waits = siege.neighbour.during(siege.begun, time.monotonic())
    siege.memory.stop()
    hidden = hidden_paths([siege.folder])
    wrong += list(dict.fromkeys(filter(None, (fault(end, hidden) for end in siege.ends))))[:3]
    if siege.service is service and (not service.alive or service.pid != pid):
        wrong.append(f"the service ended with {service.popen.poll()}")
    elif not siege.gateway.alive:
        wrong.append("the gateway ended")
    elif broken := siege.works():
        wrong.append(broken)
    if waits.refused["health"] and siege.service is service:
        wrong.append(f"health was not answered {waits.refused['health']} times")
    if attack.waits is not None and waits.p99 > attack.waits:
        wrong.append(f"another client waited {waits.p99 * 1e3:.0f} ms at p99, over {attack.waits * 1e3:.0f}")
    grown, peak = siege.memory.after - siege.memory.before, siege.memory.peak - siege.memory.before
    if grown > attack.growth:
        wrong.append(f"memory grew by {grown >> 20} MiB, over {attack.growth >> 20}")
    if peak > attack.peak:
        wrong.append(f"memory rose by {peak >> 20} MiB meanwhile, over {attack.peak >> 20}")
    came = "; ".join(filter(None, [came, counted(siege.ends)]))
    if any("service ended" in one or "ordinary Step" in one or "gateway ended" in one for one in wrong):
        siege.start_again()
    return Line(attack.name, attack.part, attack.sent, attack.bound, came, waits, siege.memory.before,
                siege.memory.after, siege.memory.peak, tuple(wrong), here, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="attacks whose name or part begins so; repeatable")
    parser.add_argument("--mutations", type=int, default=5000, help="mutated requests to each RPC; 0 leaves them out")
    parser.add_argument("--markdown", action="store_true", help="write the table into docs/reliability.md")
    parser.add_argument("--list", action="store_true", help="say what would be sent")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started is ended too
    load_all()
    wanted = [attack for attack in [*ATTACKS, *mutations(chosen.mutations)] if not chosen.only
              or any(attack.name.startswith(one) or attack.part.startswith(one) for one in chosen.only)]
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if chosen.list or not wanted:
        for attack in wanted:
            console.print(f"{attack.part} / {attack.name}: {attack.sent}")
        return 0 if wanted else 2
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="siege-") as folder:
        try:
            siege, lines = Siege(Path(folder), console.print), []
            for number, attack in enumerate(wanted, 1):
                console.print(f"[{number}/{len(wanted)}] {attack.name}: {attack.sent}")
                lines.append(run(attack, siege))
                console.print(report.said(lines[-1]))
            siege.neighbour.stop()
        finally:
            stop_all()
    failed = [line.name for line in lines if line.wrong]
    console.print(f"{len(lines)} lines in {time.monotonic() - begun:.0f} s; "
                  + (f"FAILED: {', '.join(failed)}" if failed else "every bound was kept"))
    if chosen.markdown:
        report.write(lines)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
