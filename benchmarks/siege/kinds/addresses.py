"""Addresses: which are this machine's alone, and how they are written."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.siege.attack import Broken, Client, NotHere, Siege, attack
from benchmarks.siege.processes import environment, free_port

MODULES = {"inference_service": "UNMASK_HOST", "web_gateway": "UNMASK_WEB_HOST"}


@attack("addresses", "it listens and answers")
def ipv6_loopback(siege: Siege) -> str:
    """UNMASK_HOST=::1."""
    try:
        port = free_port("::1")
    except OSError:
        raise NotHere("needs IPv6") from None
    with siege.another("ipv6", UNMASK_HOST="::1", UNMASK_PORT=str(port)) as service:
        client = Client(f"[::1]:{port}")
        client.step(client.create(8))
        return f"listens on {service.address}"


@attack("addresses", "not taken for loopback: refused without UNMASK_INSECURE, by both servers")
def names_that_begin_with_127(siege: Siege) -> str:
    """UNMASK_HOST and UNMASK_WEB_HOST of 127.evil.example and of ::."""
    taken = []
    for module, variable in MODULES.items():
        for host in ("127.evil.example", "::"):
            folder = siege.new_folder("host")
            port = "UNMASK_PORT" if variable == "UNMASK_HOST" else "UNMASK_WEB_PORT"
            try:
                done = subprocess.run(
                    [sys.executable, "-m", module], cwd=folder, timeout=60, capture_output=True, text=True,
                    env=environment(folder, {variable: host, port: str(free_port()),
                                             "UNMASK_STORE": str(folder / "s" / "s.sqlite3")}))
            except subprocess.TimeoutExpired:
                taken.append(f"{module} on {host} runs")
                continue
            if done.returncode == 0 or "INSECURE" not in done.stderr.upper() or "Traceback" in done.stderr:
                taken.append(f"{module} on {host}: {done.stderr[-120:]}")
    if taken:
        raise Broken("; ".join(taken))
    return "four times refused, naming UNMASK_INSECURE"
