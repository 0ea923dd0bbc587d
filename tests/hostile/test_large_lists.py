"""Sessions that are large to list: nobody's list is more than a client takes, and all are in it."""


from inference_service.errors import Exhausted
from tests.service.calls import WAIT
from unmask.v1 import constraint_pb2, edit_pb2, prompt_pb2, settings_pb2
from unmask.v1 import session_service_pb2 as pb

CLIENT_TAKES = 4 << 20  # bytes of a message, where a gRPC client sets nothing else
LARGE = constraint_pb2.Constraint(regex="(" + "é|" * 30_000 + "b)")


def test_a_page_of_large_sessions_ends_early(api):
    request = pb.CreateSessionRequest(prompt=prompt_pb2.Prompt(text="a "), length=4,
                                      settings=settings_pb2.Settings(seed=1, constraint=LARGE))
    count = CLIENT_TAKES // len(LARGE.regex.encode()) + 2
    made = {api.sessions.CreateSession(request, timeout=WAIT).session.id for _ in range(count)}
    token, seen, pages = "", [], 0
    while pages == 0 or token:
        page = api.sessions.ListSessions(pb.ListSessionsRequest(page_size=200, page_token=token), timeout=WAIT)
        assert page.ByteSize() < CLIENT_TAKES
        seen += [session.id for session in page.sessions]
        token, pages = page.next_page_token, pages + 1
    assert made <= set(seen) and len(seen) == len(set(seen))
    assert pages > 1


def test_a_page_of_large_branches_ends_early(api):
    request = pb.CreateSessionRequest(prompt=prompt_pb2.Prompt(text="a "), length=4,
                                      settings=settings_pb2.Settings(seed=1, constraint=LARGE))
    id = api.sessions.CreateSession(request, timeout=WAIT).session.id
    opened = edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=[0]))
    count = CLIENT_TAKES // len(LARGE.regex.encode()) + 2
    made = {next(iter(api.sessions.Edit(pb.EditRequest(session_id=id, edits=[opened], from_revision=0),
                                        timeout=WAIT))).frame.revision for _ in range(count)}
    token, seen, pages = "", [], 0
    while pages == 0 or token:
        page = api.sessions.ListBranches(pb.ListBranchesRequest(session_id=id, page_token=token), timeout=WAIT)
        assert page.ByteSize() < CLIENT_TAKES
        seen += [branch.leaf_revision for branch in page.branches]
        token, pages = page.next_page_token, pages + 1
    assert seen == sorted(made, reverse=True)
    assert pages > 1


def test_what_is_exhausted_always_says_when_to_try_again():
    assert Exhausted("nothing is left").retry_after
    assert Exhausted("nothing is left", retry_after=1.0).retry_after == 1.0
