"""Attribution against what it must be: brute force, captum, and what the methods promise of themselves."""

import captum.attr
import pytest
import torch

from embedded_model.export import CAUSAL_WEIGHTS
from inference_service.inspection.attribution.ablation import hidden_logits
from inference_service.inspection.attribution.attribute import attribute
from inference_service.inspection.attribution.question import question
from inference_service.models.from_embeddings import row_attention
from inference_service.models.loading import load

TOKENS = [3, 17, 42, 9, 120, 77, 8, 61]
KINDS = ["golden_model", "shifted", "left_to_right"]
POSITION = 6


@pytest.fixture(params=KINDS)
def model(request):
    return request.getfixturevalue(request.param)


def canvas(model):
    """Eight decided positions, one of them open again where the model knows such."""
    tokens = [token % (model.info.vocabulary_size - 8) for token in TOKENS]
    if not model.info.attention.append_only:
        tokens[4] = None
    return tokens


def ask(run, model, tokens=None, position=POSITION, **more):
    asked = question(tokens or canvas(model), model.info, position, **more)
    return asked, run(attribute(model, asked))


def stock_logits(model, ids, row, mask=None):
    """Logits [V] of one row by the stock class alone."""
    with torch.inference_mode():
        return model.head(model.body(
            input_ids=torch.tensor([ids]), attention_mask=mask).last_hidden_state[0, row]).double()


def test_ablation_is_brute_force(run, model):
    asked, found = ask(run, model, token=5)
    ids, row, mask = list(asked.view.ids), asked.view.row, model.info.mask_token

    def target(ids, mask=None):
        return stock_logits(model, ids, row, mask).log_softmax(-1)[5].item()

    full = target(ids)
    assert found.target == pytest.approx(full, abs=2e-4)
    assert list(asked.parts) == [(source, 1) for source in asked.view.sources]
    for (source, _), score in zip(asked.parts, found.scores, strict=True):
        if not model.info.attention.append_only:
            without = target([mask if place == source else id for place, id in enumerate(ids)])
        elif source < row:
            without = target(ids, torch.tensor([[int(place != source) for place in range(len(ids))]]))
        else:
            continue  # has a test of its own
        assert score == pytest.approx(full - without, abs=2e-4)
    assert min(found.scores) < 0 < max(found.scores), "a sign is told"


def test_the_last_token_that_a_model_reads_loses_its_embedding_too(run, left_to_right):
    asked, found = ask(run, left_to_right, token=5)
    ids = list(asked.view.ids)
    embeddings = left_to_right.body.get_input_embeddings()(torch.tensor([ids])).clone()
    embeddings[0, -1] = 0
    seen = torch.tensor([[*[1] * (len(ids) - 1), 0]])
    with torch.inference_mode():
        hidden = left_to_right.body(inputs_embeds=embeddings, attention_mask=seen).last_hidden_state[0, -1]
        without = left_to_right.head(hidden).double().log_softmax(-1)[5].item()
    assert found.scores[-1] == pytest.approx(found.target - without, abs=2e-4)


def test_what_is_hidden_does_not_matter(run, left_to_right):
    """Another token in a hidden place gives the same logits: nothing of it gets through."""
    ids = TOKENS[:POSITION]
    for source in range(len(ids)):
        other = [*ids[:source], 200, *ids[source + 1:]]
        one, two = (hidden_logits(left_to_right, which, len(ids) - 1, [(source, 1)]) for which in (ids, other))
        torch.testing.assert_close(one, two)
        assert one.isfinite().all()


def test_even_the_only_token_can_be_hidden(run, left_to_right):
    _, found = ask(run, left_to_right, tokens=[7, None], position=1, token=5)
    assert len(found.scores) == 1
    assert abs(found.scores[0]) > 0.01


def test_occlusion_takes_spans_away_at_once(run, model):
    spans = [(0, 2), (3, 1)]
    asked, found = ask(run, model, token=5, method="occlusion", spans=spans)
    assert asked.parts == tuple(spans)
    ids, row = list(asked.view.ids), asked.view.row
    if not model.info.attention.append_only:
        hidden = [model.info.mask_token] * 2
        without = stock_logits(model, [*hidden, *ids[2:]], row)
    else:
        without = stock_logits(model, ids, row, torch.tensor([[0, 0, *[1] * (len(ids) - 2)]]))
    assert found.scores[0] == pytest.approx(found.target - without.log_softmax(-1)[5].item(), abs=2e-4)
    _, single = ask(run, model, token=5, sources=[3])
    assert found.scores[1] == pytest.approx(single.scores[0], abs=2e-4)


@pytest.mark.parametrize("method", ["ablation", "occlusion", "input_x_gradient", "integrated_gradients"])
def test_why_a_and_not_b_is_minus_why_b_and_not_a(run, model, method):
    more = {"steps": 16} if method == "integrated_gradients" else {}
    _, one = ask(run, model, token=5, contrast=11, method=method, **more)
    _, other = ask(run, model, token=11, contrast=5, method=method, **more)
    assert one.target == pytest.approx(-other.target)
    assert one.scores == pytest.approx([-score for score in other.scores], abs=1e-6)
    assert any(abs(score) > 1e-3 for score in one.scores)


@pytest.mark.parametrize("method", ["ablation", "input_x_gradient", "integrated_gradients"])
def test_a_contrast_is_the_difference_of_both_tokens(run, model, method):
    """Every one of these methods is linear in the target."""
    more = {"steps": 16} if method == "integrated_gradients" else {}
    _, both = ask(run, model, token=5, contrast=11, method=method, **more)
    _, one = ask(run, model, token=5, method=method, **more)
    _, other = ask(run, model, token=11, method=method, **more)
    assert both.scores == pytest.approx([a - b for a, b in zip(one.scores, other.scores, strict=True)], abs=5e-4)


# ---- against captum ----

def as_captum_sees(model, row, contrast=None):
    """Embeddings [B, L, D] to the target [B], written for captum and for nothing else."""
    def target(embeddings):
        logits = model.head(model.body(inputs_embeds=embeddings).last_hidden_state[:, row]).double()
        logs = torch.log_softmax(logits, -1)
        return logs[:, 5] - (logs[:, contrast] if contrast is not None else 0)
    return target


def embeddings(model, ids):
    return model.body.get_input_embeddings()(torch.tensor([list(ids)])).detach()


@pytest.mark.parametrize("contrast", [None, 11])
def test_saliency_is_captums(run, model, contrast):
    asked, found = ask(run, model, token=5, contrast=contrast, method="saliency")
    theirs = captum.attr.Saliency(as_captum_sees(model, asked.view.row, contrast)).attribute(
        embeddings(model, asked.view.ids).requires_grad_(), abs=False)[0].norm(dim=-1)
    assert found.scores == pytest.approx([theirs[source].item() for source in asked.view.sources], rel=1e-4)


@pytest.mark.parametrize("contrast", [None, 11])
def test_input_x_gradient_is_captums(run, model, contrast):
    asked, found = ask(run, model, token=5, contrast=contrast, method="input_x_gradient")
    theirs = captum.attr.InputXGradient(as_captum_sees(model, asked.view.row, contrast)).attribute(
        embeddings(model, asked.view.ids).requires_grad_())[0].sum(-1)
    assert found.scores == pytest.approx([theirs[source].item() for source in asked.view.sources], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("contrast", [None, 11])
@pytest.mark.parametrize("sources", [(), (0, 3)])
def test_integrated_gradients_are_captums(run, model, contrast, sources):
    asked, found = ask(run, model, token=5, contrast=contrast, method="integrated_gradients", sources=sources, steps=20)
    start, end = embeddings(model, asked.view.ids).clone(), embeddings(model, asked.view.ids)
    places = list(sources) or list(asked.view.sources)
    start[0, places] = (embeddings(model, [model.info.mask_token])[0, 0] if not model.info.attention.append_only
                        else model.body.get_input_embeddings().weight.mean(0))
    theirs = captum.attr.IntegratedGradients(as_captum_sees(model, asked.view.row, contrast)).attribute(
        end, start, n_steps=20, method="gausslegendre", internal_batch_size=20)[0].sum(-1)
    assert found.scores == pytest.approx([theirs[place].item() for place in places], rel=1e-3, abs=1e-4)


# ---- completeness ----

def asked_and_answered(model):
    prompt = "Tom has a red kite. Ann has a blue hat. What does Ann have?"
    return model.text.chat([{"role": "user", "content": prompt}]), model.text.encode("Ann has a blue hat.")


def test_integrated_gradients_add_up(run, embedded):
    """Within 1% of the difference between both ends, by as many points as that takes."""
    ids, answer = asked_and_answered(embedded)
    for position in (3, 4):
        asked, found = ask(run, embedded, tokens=[*ids, *answer], position=len(ids) + position,
                           method="integrated_gradients")
        way = found.target - found.baseline
        assert abs(way) > 1, "there is something to add up to"
        assert abs(sum(found.scores) - way) / abs(way) == pytest.approx(found.gap)
        assert found.gap <= 0.01
        baseline = [embedded.info.mask_token] * len(asked.view.ids)
        nothing = stock_logits(embedded, baseline, asked.view.row).log_softmax(-1)[found.token].item()
        assert found.baseline == pytest.approx(nothing, abs=1e-4)


def test_integrated_gradients_of_a_left_to_right_model_add_up(run):
    """From the mean of all embeddings; from zero they would not, with any number of points."""
    twin = load(str(CAUSAL_WEIGHTS), family="causal")
    ids, answer = asked_and_answered(twin)
    asked, found = ask(run, twin, tokens=[*ids, *answer], position=len(ids) + 4, method="integrated_gradients")
    assert abs(found.target - found.baseline) > 1
    assert found.gap <= 0.01
    baseline = twin.body.get_input_embeddings().weight.mean(0).expand(1, len(asked.view.ids), -1)
    nothing = twin.head(twin.body(inputs_embeds=baseline).last_hidden_state[0, -1]).double().log_softmax(-1)
    assert found.baseline == pytest.approx(nothing[found.token].item(), abs=1e-3)


def test_too_few_points_are_told(run, embedded):
    ids, answer = asked_and_answered(embedded)
    _, found = ask(run, embedded, tokens=[*ids, *answer], position=len(ids) + 4, method="integrated_gradients", steps=2)
    assert found.gap > 0.01
    assert any("too few" in note for note in found.notes)


# ---- attention ----

def test_attention_is_the_mean_of_heads_and_layers(run, model):
    asked, found = ask(run, model, token=5, method="attention")
    before = model.body.config._attn_implementation
    model.body.set_attn_implementation("eager")
    try:
        with torch.inference_mode():
            out = model.body(input_ids=torch.tensor([list(asked.view.ids)]), output_attentions=True)
    finally:
        model.body.set_attn_implementation(before)
    mean = torch.stack(out.attentions)[:, 0, :, asked.view.row].mean((0, 1))
    assert mean.sum().item() == pytest.approx(1, abs=1e-5), "all that a row attends to"
    assert found.scores == pytest.approx([mean[source].item() for source in asked.view.sources], abs=1e-6)
    assert any("not an explanation" in note for note in found.notes)


def test_the_model_attends_as_before_afterwards(run, model):
    before = model.body.config._attn_implementation
    assert before != "eager"
    rows = model.logits([TOKENS[:5]], [[3]])[0].clone()
    ask(run, model, method="attention")
    assert model.body.config._attn_implementation == before
    assert torch.equal(model.logits([TOKENS[:5]], [[3]])[0], rows)


def test_the_model_attends_as_before_even_after_a_failure(model):
    before = model.body.config._attn_implementation
    with pytest.raises(IndexError):
        row_attention(model, [1, 2, 3], 7)
    assert model.body.config._attn_implementation == before


# ---- which token ----

def test_without_a_token_it_is_the_one_that_stands_there_or_the_likeliest(run, model):
    tokens = canvas(model)
    assert ask(run, model, tokens=tokens)[1].token == tokens[POSITION]
    tokens[POSITION] = None
    asked, found = ask(run, model, tokens=tokens)
    logits = stock_logits(model, list(asked.view.ids), asked.view.row).clone()
    logits[list(model.info.forbidden_tokens)] = -torch.inf
    assert found.token == logits.argmax().item()


def test_what_stands_there_does_not_matter(run, model):
    """The position is open for the model, or behind what it reads, whatever stands in it."""
    tokens = canvas(model)
    found = []
    for standing in (tokens[POSITION], 7, None):
        tokens[POSITION] = standing
        found.append(ask(run, model, tokens=tokens, token=5)[1])
    assert found[0].scores == found[1].scores == found[2].scores


def test_progress_goes_up_to_its_total(run, model):
    for method in ("ablation", "attention", "saliency", "integrated_gradients"):
        told = []
        asked = question(canvas(model), model.info, POSITION, token=5, method=method)
        run(attribute(model, asked, lambda done, total, told=told: told.append((done, total)), batch_tokens=16))
        assert told[0][0] == 0
        assert told[-1][0] == told[-1][1]
        assert [done for done, _ in told] == sorted({done for done, _ in told})
