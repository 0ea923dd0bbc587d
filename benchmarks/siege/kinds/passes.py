"""Passes that fail."""

import resource

import psutil

from benchmarks.siege import tiny
from benchmarks.siege.attack import WAIT, Broken, Client, NotHere, Siege, attack
from benchmarks.siege.kinds.calls import others_go_on
from unmask.v1 import session_service_pb2 as pb

ROWS = 60_000  # of a vocabulary: a pass over 1,000 positions takes 240 MB for its logits alone


@attack("the engine", "RESOURCE_EXHAUSTED or frames; the server goes on, and the same call succeeds when there is room")
def no_memory_for_a_pass(siege: Siege) -> str:
    """A pass of 1,000 positions over 60,000 tokens while the process may take no more than 100 MB of addresses."""
    if not hasattr(psutil.Process, "rlimit"):
        raise NotHere("needs prlimit, which is Linux")
    with siege.another("no-memory", UNMASK_MAX_BATCH_TOKENS="4096") as service:
        folder = service.log.parent / "wide"
        folder.mkdir()
        tiny.llada(folder, vocab_size=ROWS, embedding_size=ROWS, max_sequence_length=1024)
        client = Client(service.address)
        client.load("./wide")
        session_id = client.create(1000, model="./wide")
        client.step(client.create(8))
        process = psutil.Process(service.pid)
        process.rlimit(resource.RLIMIT_AS, (process.memory_info().vms + 100_000_000, resource.RLIM_INFINITY))
        first = siege.ask(client.sessions.Predict, pb.PredictRequest(session_id=session_id), WAIT)
        small = siege.ask(client.sessions.Step, pb.StepRequest(session_id=client.create(8), count=1), WAIT)
        process.rlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if not service.alive:
            raise Broken("the service ended")
        then = siege.ask(client.sessions.Predict, pb.PredictRequest(session_id=session_id), WAIT)
        if first.code not in ("OK", "RESOURCE_EXHAUSTED") or not small.ok or not then.ok:
            raise Broken(f"the pass: {first}; a small one meanwhile: {small}; the same with room: {then}")
        return f"without room {first}, with room {then}"


@attack("the engine", "each call ends for itself; others are answered")
def settings_at_every_edge(siege: Siege) -> None:
    """Steps whose parameters are at the ends of their ranges: temperature, penalties, top-k, guidance, window."""
    edges = {"temperature": (0, 1e-9, 2, 1e9), "top_p": (1e-12, 1), "top_k": (1, 767, 10**9), "cfg_scale": (0, 1e9),
             "repetition_penalty": (1e-9, 1e9), "presence_penalty": (-1e9, 1e9), "suffix_window": (1, 10**9),
             "steps": (1, 10**6), "block_length": (1, 10**6)}
    for name, values in edges.items():
        for value in values:
            made = pb.CreateSessionRequest(length=16)
            made.prompt.tokens.ids.extend(range(20, 28))
            made.settings.sampler = "llada"
            made.settings.parameters.update({name: value})
            if siege.ask(siege.client.sessions.CreateSession, made).ok:
                session_id = siege.client.sessions.CreateSession(made, timeout=WAIT).session.id
                siege.ask(siege.client.sessions.Step, pb.StepRequest(session_id=session_id))
    others_go_on(siege)
