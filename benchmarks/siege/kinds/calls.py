"""Calls that end in the middle."""

from benchmarks.siege.attack import Broken, Client, Siege, attack
from benchmarks.siege.ended import ask
from unmask.v1 import session_service_pb2 as pb

ROUNDS = 60


def others_go_on(siege: Siege) -> None:
    """Steps and predictions of other sessions are answered."""
    client = Client(siege.service.address)
    for length in (8, 32):
        session_id = client.create(length)
        for end in (ask(client.sessions.Predict, pb.PredictRequest(session_id=session_id), 20),
                    ask(client.sessions.Step, pb.StepRequest(session_id=session_id), 20)):
            if not end.ok:
                raise Broken(f"a call of another session: {end}: {end.message[:200]}")
    client.channel.close()


def abandoned(siege: Siege) -> str:
    """A session whose Step was cancelled after its first frame; it may still be running."""
    session_id = siege.client.create(200)
    first = siege.ask(siege.client.sessions.Step, pb.StepRequest(session_id=session_id), 20, most=1)
    if not first.ok:
        raise Broken(f"a new session's Step: {first}: {first.message[:160]}")
    return session_id


@attack("the engine", "every later Step and Predict is answered")
def step_cancelled_then_rewind_in_20_ms(siege: Siege) -> None:
    """60 times: `Step(count=0)`, one frame read, cancelled, then `Rewind` with a deadline of 20 ms."""
    for _ in range(ROUNDS):
        session_id = abandoned(siege)
        siege.ask(siege.client.sessions.Rewind, pb.RewindRequest(session_id=session_id), timeout=0.02)
    others_go_on(siege)


@attack("the engine", "every later Step and Predict is answered")
def step_cancelled_then_delete_in_20_ms(siege: Siege) -> None:
    """60 times: `Step(count=0)`, one frame read, cancelled, then `DeleteSession` with a deadline of 20 ms."""
    for _ in range(ROUNDS):
        session_id = abandoned(siege)
        siege.ask(siege.client.sessions.DeleteSession, pb.DeleteSessionRequest(session_id=session_id), timeout=0.02)
    others_go_on(siege)


@attack("the engine", "every later Step and Predict is answered")
def calls_with_no_time(siege: Siege) -> None:
    """Step, Predict, Propose, Edit and Verify with deadlines of 1 to 30 ms, 40 times each."""
    calls = siege.client.sessions
    session_id = siege.client.create(64)
    for round in range(40):
        for call, request in ((calls.Step, pb.StepRequest(session_id=session_id)),
                              (calls.Predict, pb.PredictRequest(session_id=session_id)),
                              (calls.Propose, pb.ProposeRequest(session_id=session_id)),
                              (calls.Rewind, pb.RewindRequest(session_id=session_id)),
                              (calls.Verify, pb.VerifyRequest(session_id=session_id))):
            siege.ask(call, request, timeout=(1 + round % 30) / 1000)
    others_go_on(siege)
