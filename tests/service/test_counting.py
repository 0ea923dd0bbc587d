"""Forward passes that add up: a run's are those it would take, looking's are a figure of their own."""

import pytest

import unmask
from inference_service.models.attention import Full
from inference_service.sampling.registry import suitable
from tests.service.calls import settings
from unmask.v1 import session_service_pb2 as pb

BOTH_WAYS = [sampler.name for sampler in suitable(Full.offers)]


def computed(made):
    """Passes that the made-up model was asked for."""
    return len(made.model.calls)


def figures(api, session_id):
    """Passes of the run, those of them that were at hand, those that looking took."""
    frames = [response.frame for response in watched(api, session_id)]
    session = api.get(session_id)
    assert session.summary.total_forward_count == frames[-1].summary.total_forward_count
    return (session.summary.total_forward_count, sum(frame.summary.reused_forward_count for frame in frames),
            session.looking_forward_count)


def watched(api, session_id):
    head = api.get(session_id).head_revision
    for response in api.sessions.WatchSession(pb.WatchSessionRequest(session_id=session_id)):
        if response.HasField("frame"):
            yield response
            if response.frame.revision == head:
                return


@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_a_run_that_somebody_looks_into_takes_what_it_takes_alone(api, fake, sampler):
    """By every sampler, those too whose steps have two parts or go by an earlier prediction."""
    alone, seen = fake(), fake()
    one, other = (api.create(model=made.name, sampler=sampler, length=10, seed=4) for made in (alone, seen))
    api.step(one.id)
    run = figures(api, one.id)
    assert run[1:] == (0, 0) and computed(alone) == run[0]
    while api.get(other.id).state != api.get(other.id).STATE_COMPLETE:
        if None in api.tokens(other.id):
            api.predict(other.id)
            api.candidates(other.id, [3 + api.tokens(other.id)[3:].index(None)])
        api.propose(other.id)
        api.step(other.id, 1)
    assert api.tokens(other.id) == api.tokens(one.id)
    total, reused, looking = figures(api, other.id)
    assert total == run[0], "nothing was added, and nothing taken away"
    assert reused > 0 and looking >= reused
    assert computed(seen) == total - reused + looking


def test_what_is_counted_as_looking(api, fake):
    made = fake()
    id = api.create(model=made.name, length=8, seed=1).id
    api.step(id, 2)
    before = computed(made)
    for look in (lambda: api.predict(id), lambda: api.predict(id, revision=0),
                 lambda: api.sessions.Reprocess(pb.ReprocessRequest(session_id=id, revision=1)),
                 lambda: api.propose(id, settings=settings(cfg_scale=1.0)),
                 lambda: list(api.step(id, 1, predict=True)),
                 lambda: list(api.sessions.Verify(pb.VerifyRequest(session_id=id))),
                 lambda: list(api.sessions.Export(pb.ExportRequest(session_id=id, candidate_count=2)))):
        told = api.get(id)
        look()
        now = api.get(id)
        more = now.looking_forward_count - told.looking_forward_count
        ran = now.summary.total_forward_count - told.summary.total_forward_count
        found = sum(response.frame.summary.reused_forward_count for response in watched(api, id)
                    if response.frame.revision > told.head_revision)
        assert computed(made) - before == more + ran - found
        before = computed(made)
    assert api.get(id).looking_forward_count >= 5
    assert api.get(id).summary.total_forward_count == 3


def test_an_attribution_is_looking_and_the_client_tells_both(api):
    with unmask.connect(api.server.address) as client:
        session = client.create("Tell me a story.", model=api.load("embedded")[-1].model.name, length=8, steps=4)
        list(session.step())
        assert (session.forwards, session.looking_forwards) == (4, 0)
        passes = []
        session.attribute(session.prompt_length, progress=lambda done, total: passes.append(total))
        assert (session.forwards, session.looking_forwards) == (4, passes[-1])
        session.attribute(session.prompt_length)
        assert session.looking_forwards == passes[-1], "answered before"
