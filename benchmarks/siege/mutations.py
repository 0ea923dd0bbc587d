"""Mutated requests to every RPC, as attacks."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from benchmarks.siege.attack import Attack, Broken, Siege
from benchmarks.siege.ended import hidden_paths
from benchmarks.siege.mutate import methods
from benchmarks.siege.volley import Sender, Volley, volley

SENDERS = 2
GROWTH = 512 << 20  # as tests/hostile/test_mutated_requests.py says


def mutations(count: int) -> list[Attack]:
    """One attack for each service of the API; none for a count of 0."""
    services: dict[str, list[str]] = {}
    for method in methods():
        services.setdefault(method.containing_service.name, []).append(method.full_name)
    return [Attack(
        f"mutated-{service}", "every RPC", f"{count:,} mutated requests to each of the {len(names)} RPCs of {service}",
        "no INTERNAL, no UNKNOWN, no path or class name, typed refusals, the process lives", _sending(names, count),
        None, GROWTH, 2 << 30) for service, names in services.items() if count]


def _sending(names: list[str], count: int):
    def run(siege: Siege) -> str:
        sender = Sender(siege.service.address)
        recording = sender.recording()
        sender.close()
        hidden, ends, faults = hidden_paths([siege.folder]), Counter(), []
        context = multiprocessing.get_context("spawn")  # gRPC does not outlive a fork
        share = -(-count // SENDERS)
        with ProcessPoolExecutor(SENDERS, context) as pool:
            for name in names:
                found = list(pool.map(_volley, *zip(*[
                    (siege.service.address, name, range(at, min(at + share, count)), recording, hidden)
                    for at in range(0, count, share)])))
                for one in found:
                    ends += one.ends
                    faults += [f"{name} seed {seed}: {wrong}" for seed, wrong in one.faults]
                siege.say(f"    {name}: {sum((one.ends for one in found), Counter()).most_common(4)}, slowest "
                          f"{max(one.slowest for one in found):.1f} s, {sum(len(one.faults) for one in found)} faults")
                for one in found:
                    for seed, wrong in one.faults[:3]:
                        siege.say(f"        seed {seed}: {wrong[:600]}")
                if siege.service.alive:
                    _load(siege.service.address)
                else:
                    raise Broken(f"the service ended under {name}: {siege.service.said(400)}")
        if faults:
            raise Broken(f"{len(faults)} of {ends.total():,}: {'; '.join(fault[:200] for fault in faults[:3])}")
        codes = Counter()
        for end, number in ends.items():
            codes[end.split()[0]] += number
        return ", ".join(f"{number:,} {code}" for code, number in codes.most_common())
    return run


def _load(address: str) -> None:
    sender = Sender(address)
    sender.load()
    sender.close()


def _volley(address: str, name: str, seeds: range, recording: bytes, hidden: list[str]) -> Volley:
    method = next(method for method in methods() if method.full_name == name)
    sender = Sender(address)
    try:
        return volley(sender, method, seeds, recording, hidden)
    finally:
        sender.close()
