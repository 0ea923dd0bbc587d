"""Constraints through the service, on both kinds of model that ship: what is written matches, what cannot is said."""

import json
import re

import pytest

from inference_service.embedded import EMBEDDED_CAUSAL
from inference_service.models.attention import Full
from inference_service.sampling.registry import suitable
from tests.service.calls import refusal, settings
from unmask.messages import constraint_of
from unmask.v1 import edit_pb2, frame_pb2, prompt_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.constraint_pb2 import Choice, Constraint

BOTH_WAYS = [sampler.name for sampler in suitable(Full.offers)]
OPEN = session_pb2.Canvas.POSITION_STATE_OPEN
SUM = Constraint(regex=r"[1-9][0-9]\+[1-9][0-9]=[1-9][0-9]")
COLOURS = Constraint(choice=Choice(options=["red", "green", "blue"]))
RECORD = Constraint(json_schema=json.dumps({
    "type": "object", "properties": {"name": {"type": "string", "pattern": "^[A-Z][a-z]{1,6}$"},
                                     "age": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["name", "age"], "additionalProperties": False}))
BRACKETS = Constraint(grammar='start: "(" start ")" | "[" start "]" | "a"')


@pytest.fixture(scope="module", params=["embedded", EMBEDDED_CAUSAL])
def name(request, api):
    """Each of the two models that ship."""
    return api.load(request.param)[-1].model.name


def create(api, name, constraint, text="Tell me a story.", length=24, sampler="", seed=3, **parameters):
    chosen = settings(sampler, seed, **parameters)
    if constraint:
        chosen.constraint.CopyFrom(constraint)
    prompt = prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=[prompt_pb2.Message(role="user", content=text)]))
    return api.sessions.CreateSession(pb.CreateSessionRequest(
        model=name, prompt=prompt, length=length, settings=chosen)).session


def text_of(api, session_id):
    """The generated text up to its end, and whether nothing is open."""
    session = api.get(session_id)
    denoiser = api.server.library.get(session.model)
    tokens = list(session.canvas.tokens)[session.prompt_length:]
    ends = [denoiser.info.eot_token, denoiser.info.eos_token]
    end = next((index for index, token in enumerate(tokens) if token in ends), len(tokens))
    return denoiser.text.decode(tokens[:end]), OPEN not in session.canvas.states


def edit(api, session_id, *edits, **more):
    return list(api.sessions.Edit(pb.EditRequest(session_id=session_id, edits=edits, **more)))


@pytest.mark.parametrize("temperature", [0.0, 2.0])
@pytest.mark.parametrize(("constraint", "matches"), [
    (SUM, lambda text: re.fullmatch(SUM.regex, text)),
    (COLOURS, lambda text: text in COLOURS.choice.options),
    (RECORD, lambda text: set(json.loads(text)) == {"name", "age"}),
    (BRACKETS, lambda text: re.fullmatch(r"[(\[]*a[)\]]*", text)),
], ids=["regex", "choice", "schema", "grammar"])
def test_what_is_written_matches_whatever_the_temperature(api, name, constraint, matches, temperature):
    session = create(api, name, constraint, temperature=temperature)
    frames = api.step(session.id)
    text, whole = text_of(api, session.id)
    assert whole and matches(text), text
    assert frames[-1].summary.constraint == frame_pb2.CONSTRAINT_PROGRESS_COMPLETE
    assert frames[0].summary.constraint in (frame_pb2.CONSTRAINT_PROGRESS_INCOMPLETE,
                                            frame_pb2.CONSTRAINT_PROGRESS_COMPLETE)


@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_every_sampler_keeps_to_it(api, words, sampler):
    """At a temperature at which without it none would come out; samplers that reopen and edit too."""
    for constraint in (SUM, BRACKETS):
        session = create(api, words, constraint, length=16, sampler=sampler, temperature=1.5)
        api.step(session.id)
        text, whole = text_of(api, session.id)
        assert whole
        assert re.fullmatch(SUM.regex if constraint is SUM else r"[(\[]*a[)\]]*", text), text


def test_without_it_the_same_model_writes_something_else(api, name):
    session = create(api, name, None)
    api.step(session.id)
    assert not re.fullmatch(SUM.regex, text_of(api, session.id)[0])


def test_candidates_say_which_of_them_may_stand(api, name):
    session = create(api, name, COLOURS)
    place = session.prompt_length
    weighed = api.predict(session.id, candidate_positions=[place], candidate_count=100).candidates[0]
    denoiser = api.server.library.get(name)
    valid = {denoiser.text.decode([one.token]) for one in weighed.candidates if not one.invalid}
    assert all(any(option.startswith(text) for option in COLOURS.choice.options) for text in valid)
    assert 1 <= weighed.valid_count < 30
    barred = [one for one in weighed.candidates if one.invalid]
    assert barred and all(one.p_base > 0 and one.p_final == 0 and not one.kept for one in barred)
    free = create(api, name, None)
    weighed = api.predict(free.id, candidate_positions=[place], candidate_count=10).candidates[0]
    assert not weighed.HasField("valid_count") and not any(one.invalid for one in weighed.candidates)


def test_a_forced_text_is_checked_and_changes_nothing_where_it_cannot_be(api, name):
    session = create(api, name, SUM)
    place = session.prompt_length
    force = edit_pb2.Edit(force_text=edit_pb2.ForceText(position=place, text="cat"))
    refused = refusal(edit, api, session.id, force)
    assert (refused.reason, list(refused.fields)) == ("CONSTRAINT_VIOLATED", ["edits[0].force_text"])
    assert api.get(session.id).head_revision == 0
    edit(api, session.id, edit_pb2.Edit(force_text=edit_pb2.ForceText(position=place, text="71")))
    api.step(session.id)
    text, whole = text_of(api, session.id)
    assert whole and text.startswith("71+") and re.fullmatch(SUM.regex, text)


def test_a_token_picked_by_hand_is_checked_too(api, name):
    session = create(api, name, SUM)
    place = session.prompt_length
    weighed = api.predict(session.id, candidate_positions=[place], candidate_count=100).candidates[0]
    barred = next(one.token for one in weighed.candidates if one.invalid)
    assert refusal(api.select, session.id, {place: barred}).reason == "CONSTRAINT_VIOLATED"
    fine = next(one.token for one in weighed.candidates if not one.invalid)
    assert api.select(session.id, {place: fine})


def test_it_can_be_changed_and_taken_away_on_the_way(api, name):
    session = create(api, name, None)
    one = settings()
    one.constraint.CopyFrom(SUM)
    api.step(session.id, count=2, settings=one)
    assert api.get(session.id).settings.constraint == SUM
    api.step(session.id, count=1)  # it stays in force
    assert api.get(session.id).settings.constraint == SUM
    none = settings()
    none.constraint.SetInParent()
    frame = api.step(session.id, count=1, settings=none)[0]
    assert not api.get(session.id).settings.HasField("constraint")
    assert frame.summary.constraint == frame_pb2.CONSTRAINT_PROGRESS_UNSPECIFIED


@pytest.mark.parametrize(("constraint", "kind", "words"), [
    (Constraint(regex="(a|b"), "regex", "line 1"),
    (Constraint(grammar='start: "a" foo'), "grammar", "foo"),
    (Constraint(json_schema='{"type": "strin"}'), "json_schema", "strin"),
    (Constraint(json_schema='{"type": '), "json_schema", "line 1"),
    (Constraint(choice=Choice()), "choice", "at least one"),
    (Constraint(choice=Choice(options=["a", "a"])), "choice", "same"),
])
def test_a_wrong_one_is_refused_and_points_into_the_pattern(api, name, constraint, kind, words):
    refused = refusal(create, api, name, constraint)
    assert refused.reason == "INVALID_CONSTRAINT"
    assert words in refused.fields[f"settings.constraint.{kind}"]


def test_a_canvas_that_is_too_short_for_it_is_refused_before_a_step(api, words):
    refused = refusal(create, api, words, Constraint(regex="[0-9]{25}"), length=24)
    assert refused.reason == "CONSTRAINT_INFEASIBLE"
    assert "24 positions" in refused.fields["settings.constraint.regex"]
    assert create(api, words, Constraint(regex="[0-9]{24}"), length=24).id


@pytest.mark.parametrize("schema", [
    {"enum": [2**53 + 1]},
    {"type": "integer", "minimum": 2**53 + 1, "maximum": 2**53 + 1},
    {"type": "object", "properties": {"id": {"type": "integer", "minimum": 2**63 - 3, "maximum": 2**63 - 1}},
     "required": ["id"]},
], ids=["enum", "limits", "object"])
def test_large_numbers_are_those_of_the_schema_on_all_their_way(api, name, schema):
    """From a client's dictionary to the text, and through a recording."""
    session = create(api, name, constraint_of({"json_schema": schema}), length=32)
    api.step(session.id)
    text, complete = text_of(api, session.id)
    assert complete
    number = json.loads(text)["id"] if "properties" in schema else json.loads(text)
    assert number in ({2**63 - 3, 2**63 - 2, 2**63 - 1} if "properties" in schema else {2**53 + 1})
    for form in (pb.ExportRequest.FORM_BINARY, pb.ExportRequest.FORM_JSON):
        file = b"".join(answer.chunk for answer in api.sessions.Export(pb.ExportRequest(
            session_id=session.id, form=form)))
        made = api.sessions.Import(iter([pb.ImportRequest(chunk=file)])).session
        assert json.loads(made.settings.constraint.json_schema) == schema


def test_the_whole_int64_range_can_be_asked_for(api, name):
    session = create(api, name, constraint_of({"json_schema": {
        "type": "integer", "minimum": -2**63, "maximum": 2**63 - 1}}), length=24, temperature=1.5)
    api.step(session.id)
    text, _ = text_of(api, session.id)
    assert -2**63 <= int(text) <= 2**63 - 1


def test_a_number_that_would_be_rounded_is_refused_by_name(api, name):
    refused = refusal(create, api, name, constraint_of({"json_schema": {"type": "integer", "multipleOf": 2**53 + 1}}))
    assert "9007199254740993 of 'multipleOf' would be rounded" in refused.fields["settings.constraint.json_schema"]


def test_the_end_cannot_be_forbidden_with_it(api, name):
    refused = refusal(create, api, name, SUM, logits_eos_inf=True)
    assert "must be false with a constraint" in refused.fields["settings.parameters.logits_eos_inf"]


def test_a_recording_with_it_comes_back_and_its_steps_come_out_again(api, name):
    for constraint in (SUM, BRACKETS):
        session = create(api, name, constraint, temperature=1.0)
        api.step(session.id, count=1)
        file = b"".join(answer.chunk for answer in api.sessions.Export(pb.ExportRequest(session_id=session.id)))
        made = api.sessions.Import(iter([pb.ImportRequest(chunk=file)])).session
        assert made.settings.constraint == constraint
        told = list(api.sessions.Verify(pb.VerifyRequest(session_id=made.id)))
        assert told and not any(answer.HasField("mismatch") for answer in told)
        for one in (session.id, made.id):
            api.step(one)
        assert api.tokens(made.id) == api.tokens(session.id)


def test_words_that_stand_already_are_part_of_the_text(api, words):
    """A canvas with given tokens in the middle is completed around them."""
    denoiser = api.server.library.get(words)
    plus, equals = (denoiser.text.encode(sign)[0] for sign in "+=")
    session = create(api, words, None, length=12)
    chosen = settings(seed=1)
    chosen.constraint.CopyFrom(SUM)
    made = api.sessions.CreateSession(pb.CreateSessionRequest(
        model=words, prompt=prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(
            ids=list(session.canvas.tokens)[:session.prompt_length])), length=12, settings=chosen,
        word_constraints=[pb.WordConstraint(offset=2, tokens=prompt_pb2.TokenList(ids=[plus])),
                          pb.WordConstraint(offset=5, tokens=prompt_pb2.TokenList(ids=[equals]))])).session
    api.step(made.id)
    assert re.fullmatch(SUM.regex, text_of(api, made.id)[0])


NESTED = Constraint(regex="(a{1,1000}){1,1000}")  # llguidance meets a limit of its own about a hundred letters in


def test_one_that_is_too_complex_to_begin_is_refused(api, words):
    assert "settings.constraint.regex" in refusal(create, api, words, NESTED).fields


def test_one_that_grows_too_complex_on_the_way_ends_the_call_and_nothing_else(api):
    name = api.load(EMBEDDED_CAUSAL)[-1].model.name
    session = create(api, name, NESTED)
    refused = refusal(edit, api, session.id, edit_pb2.Edit(
        force_text=edit_pb2.ForceText(position=session.prompt_length, text="a" * 180)))
    assert refused.reason == "CONSTRAINT_TOO_COMPLEX"
    assert api.get(session.id).head_revision == 0
    assert len(api.step(session.id, count=1)) == 1


def test_a_session_says_where_it_stands_at_any_revision(api, name):
    session = create(api, name, COLOURS)
    assert session.summary.constraint == frame_pb2.CONSTRAINT_PROGRESS_INCOMPLETE
    api.step(session.id)
    assert api.get(session.id).summary.constraint == frame_pb2.CONSTRAINT_PROGRESS_COMPLETE
    assert api.get(session.id, 0).summary.constraint == frame_pb2.CONSTRAINT_PROGRESS_INCOMPLETE


def test_a_recording_that_breaks_its_constraint_is_told_and_its_steps_do_not_come_out(api, name):
    """As of one in which somebody has exchanged the constraint."""
    session = create(api, name, SUM)
    api.step(session.id)
    file = b"".join(answer.chunk for answer in api.sessions.Export(
        pb.ExportRequest(session_id=session.id, form=pb.ExportRequest.FORM_JSON))).decode()
    other = file.replace(json.dumps(SUM.regex)[1:-1], "[a-z]{9}")
    assert other != file
    made = api.sessions.Import(iter([pb.ImportRequest(chunk=other.encode())]))
    assert any("does not meet" in note for note in made.notes)
    told = list(api.sessions.Verify(pb.VerifyRequest(session_id=made.session.id)))
    assert any(answer.HasField("mismatch") for answer in told)


def test_what_may_stand_is_listed_however_unlikely(api, words):
    session = create(api, words, Constraint(regex="Once [a-z]{3,20}"), length=12)
    place = session.prompt_length
    weighed = api.predict(session.id, candidate_positions=[place + 1, place + 2], candidate_count=3).candidates
    for one in weighed:
        told = [candidate.p_base for candidate in one.candidates]
        valid = [candidate.p_base for candidate in one.candidates if not candidate.invalid]
        assert len(valid) >= min(3, one.valid_count) and len({c.token for c in one.candidates}) == len(told)
        assert told[:3] == sorted(told[:3], reverse=True) and valid == sorted(valid, reverse=True)
        assert one.other_p_base == pytest.approx(1 - sum(told), abs=1e-5)
