"""Things that are large: none of them holds up another call."""

from benchmarks.siege import tiny
from benchmarks.siege.attack import WAIT, Siege, at_least, attack
from unmask.v1 import edit_pb2
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

LOOK = 4.0  # seconds for which each is repeated, so that p99 is of some hundred waits
P99 = 0.1
BOUND = "another client's GetSession stays under 100 ms at p99"


def created(siege: Siege, text: str) -> None:
    made = pb.CreateSessionRequest(length=8)
    made.prompt.text = text
    for _ in at_least(LOOK):
        siege.ask(siege.client.sessions.CreateSession, made)


@attack("the event loop", BOUND, waits=P99)
def tokenize_1_mib(siege: Siege) -> None:
    """Tokenize of 1 MiB of words, for 4 seconds."""
    request = models_pb.TokenizeRequest(text="the cat sat on the mat. " * (2**20 // 24))
    for _ in at_least(LOOK):
        siege.ask(siege.client.models.Tokenize, request)


@attack("the event loop", BOUND, waits=P99)
def tokenize_1_mib_without_a_space(siege: Siege) -> None:
    """Tokenize of 1 MiB of one letter, for 4 seconds."""
    for _ in at_least(LOOK):
        siege.ask(siege.client.models.Tokenize, models_pb.TokenizeRequest(text="a" * 2**20))


@attack("the event loop", BOUND, waits=P99)
def prompt_of_4_mb(siege: Siege) -> None:
    """CreateSession with a prompt of 3.9 MB of text, for 4 seconds."""
    created(siege, "once upon a time " * (3_900_000 // 17))


@attack("the event loop", BOUND, waits=P99)
def prompt_of_325000_holes(siege: Siege) -> None:
    """CreateSession with the prompt `[[mask:256]]` 325,000 times, for 4 seconds."""
    created(siege, "[[mask:256]]" * 325_000)


@attack("the event loop", BOUND, waits=P99)
def prompt_of_a_million_tokens(siege: Siege) -> None:
    """CreateSession with 1,000,000 token ids, for 4 seconds."""
    made = pb.CreateSessionRequest(length=8)
    made.prompt.tokens.ids.extend([20] * 1_000_000)
    for _ in at_least(LOOK):
        siege.ask(siege.client.sessions.CreateSession, made)


@attack("the event loop", BOUND, waits=P99)
def edits_of_a_million_positions(siege: Siege) -> None:
    """An Edit that masks 1,000,000 positions, and one of 1,024 edits of 900 positions each, for 4 seconds."""
    session_id = siege.client.create(200)
    one = edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=range(1_000_000)))
    many = edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=[position % 200 + 8 for position in range(900)]))
    for _ in at_least(LOOK):
        for edits in ([one], [many] * 1024):
            siege.ask(siege.client.sessions.Edit, pb.EditRequest(session_id=session_id, edits=edits))


@attack("the event loop", BOUND, waits=P99)
def cold_revisions_of_1024_positions(siege: Siege) -> None:
    """After a restart: GetSession of 40 old revisions of 1,024 positions, of 180, round and round."""
    folder, name = tiny.place(siege, "long")
    tiny.llada(folder, max_sequence_length=2048)
    siege.client.load(name)
    session_id = siege.client.create(1024, model=name)
    for round in range(60):
        siege.client.step(session_id, 2)
        for _ in siege.client.sessions.Edit(pb.EditRequest(session_id=session_id, edits=[edit_pb2.Edit(
                mask=edit_pb2.MaskPositions(positions=range(8, 1000 - round)))]), timeout=WAIT):
            pass
    siege.restart()
    siege.begin()
    for _ in at_least(LOOK):
        for revision in range(5, 175, 4):
            siege.ask(siege.client.sessions.GetSession, pb.GetSessionRequest(session_id=session_id, revision=revision))


@attack("the event loop", BOUND, waits=P99)
def list_of_50_cold_sessions(siege: Siege) -> None:
    """After a restart: ListSessions of 50, of which each has 200 positions and 40 frames, for 4 seconds."""
    for _ in range(50):
        session_id = siege.client.create(200)
        for position in range(8, 48):
            list(siege.client.sessions.Edit(pb.EditRequest(session_id=session_id, edits=[edit_pb2.Edit(
                force_token=edit_pb2.ForceToken(position=position, token=30))]), timeout=WAIT))
    siege.restart()
    siege.begin()
    for _ in at_least(LOOK):
        siege.ask(siege.client.sessions.ListSessions, pb.ListSessionsRequest(page_size=50))


@attack("the event loop", BOUND, waits=P99)
def export_and_import_of_a_long_session(siege: Siege) -> None:
    """Export with 100 candidates of every position, and Import of what came, for 4 seconds."""
    session_id = siege.client.create(200)
    siege.client.step(session_id, 40)
    for _ in at_least(LOOK):
        chunks = [answer.chunk for answer in siege.client.sessions.Export(
            pb.ExportRequest(session_id=session_id, candidate_count=100), timeout=WAIT)]
        siege.ask(siege.client.sessions.Import, iter([pb.ImportRequest(chunk=chunk) for chunk in chunks]), WAIT)
