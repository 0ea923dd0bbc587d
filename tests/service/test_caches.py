"""Caches in sessions: what frames say of them, and that whoever has the frames goes on to the same tokens."""

import grpc
import pytest

import unmask
from inference_service.caches.registry import POLICIES
from inference_service.engine.decoding import decode, together
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.frame import CacheChoice, Settings
from tests.conftest import EXPECTED, GOLDEN
from tests.service.calls import WAIT, Api, refusal, settings
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

DREAM, SDAR = (str(GOLDEN.with_name(name)) for name in ("dream_tiny", "sdar"))
PROMPT, LENGTH, BLOCK = [366, 438, 319, 308, 420], 24, 8
WILD = {"temperature": 1.0}
KINDS = [("prefix", {}), ("dual", {}), ("dual", {"interval": 3})]


def create(api, cache="", cache_parameters=None, sampler="fast_dllm", **more):
    return api.create(PROMPT, LENGTH, sampler=sampler, cache=cache, cache_parameters=cache_parameters,
                      **{"block_length": BLOCK, **more})


def generated(frames):
    """What the frames of a session made, by position."""
    return {change.position: change.token for frame in frames for change in frame.changes if change.HasField("token")}


def mismatches(api, session_id):
    told = list(api.sessions.Verify(pb.VerifyRequest(session_id=session_id), timeout=WAIT))
    return [one.mismatch for one in told if one.HasField("mismatch")]


def forget(api):
    """What a server that has just started has at hand: nothing."""
    api.server.library.drop_caches()
    api.server._predictions.clear()


def test_a_model_says_what_may_be_kept_and_with_which_samplers(api):
    shown = api.models.GetModel(models_pb.GetModelRequest(name=str(GOLDEN))).model
    caches = {cache.name: cache for cache in shown.caches}
    assert list(caches) == ["none", "dual", "prefix"]
    assert [cache.exact for cache in shown.caches] == [True, False, False]
    assert [parameter.name for parameter in caches["dual"].parameters] == ["interval"]
    assert "fast_dllm" in caches["dual"].samplers and "remdm" not in caches["dual"].samplers
    assert set(caches["none"].samplers) == {sampler.name for sampler in shown.samplers}
    assert all(cache.summary and cache.costs for cache in shown.caches)


@pytest.mark.parametrize(("cache", "parameters", "sampler"), [
    *((*kind, sampler) for kind in KINDS for sampler in ("llada", "fast_dllm")),
    *(("dual", {}, sampler.name) for sampler in SAMPLERS.values()
      if POLICIES["dual"].suits(sampler) and sampler.name not in ("llada", "fast_dllm"))])
def test_a_session_writes_what_the_loop_writes_and_its_frames_say_what_was_read(api, cache, parameters, sampler):
    session = create(api, cache, parameters, sampler)
    assert session.settings.cache.name == cache
    frames = api.step(session.id)
    model = api.server.library.get("")
    whole = Settings(sampler, {"block_length": BLOCK}, 5, cache=CacheChoice(cache, parameters))
    alone, = together([decode(model, PROMPT, LENGTH, whole)])
    assert list(generated(frames).values()) and [*PROMPT, *(generated(frames)[at] for at in range(
        len(PROMPT), len(PROMPT) + LENGTH))] == alone.tokens
    assert frames[-1].summary.total_forward_count == alone.forwards
    for frame in frames:
        anew = frame.cache_revision == frame.parent_revision
        assert list(frame.summary.approximations) == ([] if anew else [f"{cache}_cache"])
    assert len({frame.cache_revision for frame in frames}) >= LENGTH // BLOCK
    if parameters:
        assert max(frame.parent_revision - frame.cache_revision for frame in frames) < parameters["interval"]
    assert not mismatches(api, session.id)


@pytest.mark.parametrize("more", [{}, WILD, {"cfg_scale": 1.5}], ids=str)
@pytest.mark.parametrize(("cache", "parameters"), KINDS)
def test_killed_at_every_revision_another_server_goes_on_to_the_same_tokens(api, cache, parameters, more):
    session = create(api, cache, parameters, **more)
    frames = api.step(session.id)
    again = create(api, cache, parameters, **more)
    interrupted = []
    while len(interrupted) < len(frames):
        forget(api)
        interrupted += api.step(again.id, 1)
    assert generated(interrupted) == generated(frames)
    assert [frame.cache_revision for frame in interrupted] == [frame.cache_revision for frame in frames]
    assert not mismatches(api, again.id)
    # Gone back to, every revision leads on as it did: at temperature 0 no noise tells the two ways apart.
    if not more:
        for frame in frames[:-1]:
            api.rewind(session.id, frame.revision)
            assert generated(frames[:frame.revision] + api.step(session.id)) == generated(frames)
        assert not mismatches(api, session.id)


def test_a_server_started_on_the_same_store_goes_on(serve, tmp_path):
    store = str(tmp_path / "sessions.sqlite3")
    with serve(store=store) as server:
        server.library.load("")
        api = Api(server)
        whole = create(api, "dual", **WILD)
        frames = api.step(whole.id)
        part = create(api, "dual", **WILD)
        begun = api.step(part.id, 3)
        api.channel.close()
    with serve(store=store) as server:
        server.library.load("")
        api = Api(server)
        assert api.get(part.id).settings.cache.name == "dual"
        rest = api.step(part.id)
        assert generated([*begun, *rest]) == generated(frames)
        assert not mismatches(api, part.id)
        api.channel.close()


def test_keys_and_values_made_anew_at_every_step_approximate_nothing(api):
    session = create(api, "dual", {"interval": 1}, **WILD)
    frames, plain = api.step(session.id), api.step(create(api, **WILD).id)
    assert generated(frames) == generated(plain)
    assert not any(frame.summary.approximations for frame in frames)
    assert not any(frame.HasField("cache_revision") for frame in plain)


def test_a_family_whose_rows_are_shifted(api):
    api.server.library.load(DREAM)
    exact, near = (api.create(PROMPT, 16, model=DREAM, sampler="llada", block_length=4, cache="dual",
                              cache_parameters=interval) for interval in ({"interval": 1}, {}))
    plain = api.create(PROMPT, 16, model=DREAM, sampler="llada", block_length=4)
    assert generated(api.step(exact.id)) == generated(api.step(plain.id))
    frames = api.step(near.id)
    assert sum(bool(frame.summary.approximations) for frame in frames) == 12
    assert not mismatches(api, near.id)


def test_what_a_person_changes_is_seen_at_once(api):
    session = create(api, "dual", sampler="llada")
    api.step(session.id, 2)
    kept, = api.step(session.id, 1)
    assert kept.cache_revision < kept.parent_revision
    api.select(session.id, {len(PROMPT) + LENGTH - 1: 9})
    after, = api.step(session.id, 1)
    assert after.cache_revision == after.parent_revision and not after.summary.approximations


def test_a_draft_is_of_what_was_computed(api):
    session = create(api, "dual", sampler="llada")
    first, second = api.step(session.id, 2, draft=True)
    assert list(first.draft.positions) == list(range(len(PROMPT), len(PROMPT) + LENGTH))
    assert max(second.draft.positions) == len(PROMPT) + BLOCK - 1


def test_a_look_is_exact_and_changes_nothing(api):
    one, two = (create(api, "dual", sampler="llada") for _ in range(2))
    for _ in range(6):
        api.step(one.id, 1)
        api.predict(two.id)
        proposed = api.propose(two.id)
        frame, = api.step(two.id, 1)
        assert [change.position for change in frame.changes] == [commit.position for commit in proposed.commits]
    assert api.tokens(one.id) == api.tokens(two.id)


def test_it_is_changed_in_the_middle_and_taken_away(api):
    session = create(api, sampler="llada")
    assert not session.settings.HasField("cache")
    api.step(session.id, 2)
    frames = api.step(session.id, 2, settings=settings(cache="prefix"))
    assert [frame.cache_revision for frame in frames] == [2, 2]
    assert frames[0].settings.cache.name == "prefix" and not frames[1].HasField("settings")
    frame, = api.step(session.id, 1, settings=settings(cache="none"))
    assert not frame.HasField("cache_revision") and not frame.settings.HasField("cache")
    assert not mismatches(api, session.id)


@pytest.mark.parametrize(("more", "field", "says"), [
    ({"cache": "triple"}, "settings.cache.name", "must be one of none, dual, prefix; got 'triple'"),
    ({"cache": "causal"}, "settings.cache.name",
     "which is full: every position sees every other; must be one of none, dual, prefix"),
    ({"cache": "dual", "sampler": "remdm"}, "settings.cache.name", "must be one of none, or take another sampler"),
    ({"cache": "dual", "cache_parameters": {"interval": 0}}, "settings.cache.parameters.interval",
     "must be a whole number from 1 to 4096; got 0"),
    ({"cache": "prefix", "cache_parameters": {"every": 2}}, "settings.cache.parameters.every",
     "has no such parameter; its parameters: interval"),
    ({"cache": "none", "cache_parameters": {"interval": 2}}, "settings.cache.parameters.interval",
     "its parameters: none"),
])
def test_a_wrong_cache_is_refused_by_name_and_changes_nothing(api, more, field, says):
    sampler = {"sampler": "fast_dllm", **more}
    refused = refusal(api.create, PROMPT, LENGTH, **sampler)
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT and says in refused.fields[field]
    session = api.create(PROMPT, LENGTH, sampler="llada")
    before = api.standing(session.id)
    refused = refusal(api.sessions.Step, pb.StepRequest(session_id=session.id, count=1, settings=settings(**sampler)))
    assert says in refused.fields[field]
    assert api.standing(session.id) == before


def test_a_recording_goes_on_elsewhere(api, serve, tmp_path):
    client = unmask.connect(api.server.address)
    session = client.create(PROMPT, length=LENGTH, sampler="fast_dllm", block_length=BLOCK, seed=5,
                            cache={"name": "dual", "interval": 2})
    list(session.step(2))
    recording = session.export()
    frames = list(session.step())
    with serve(store=str(tmp_path / "sessions.sqlite3")) as server:
        other = unmask.connect(server.address)
        server.library.load("", token_ids={"eot": EXPECTED["eot_token_id"]})
        brought, _ = other.import_recording(recording)
        again = list(brought.step())
        assert generated(again) == generated(frames)
        assert [frame.cache_revision for frame in again] == [frame.cache_revision for frame in frames]
        assert not brought.verify()
        other.close()
    client.close()


def test_block_causal_models_keep_blocks_or_nothing(api):
    api.server.library.load(SDAR)
    shown = api.models.GetModel(models_pb.GetModelRequest(name=SDAR)).model
    assert [cache.name for cache in shown.caches] == ["block", "none"]
    kept, plain = (api.create(PROMPT, 10, model=SDAR, **more) for more in ({}, {"cache": "none"}))
    assert not kept.settings.HasField("cache") and plain.settings.cache.name == "none"
    assert generated(api.step(kept.id)) == generated(api.step(plain.id))
    assert "must be one of block, none" in refusal(api.create, PROMPT, 10, model=SDAR, cache="dual").message
