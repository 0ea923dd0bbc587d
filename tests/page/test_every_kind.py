"""Every kind of attention with every cache that suits it: run, taken back, edited and compared in a real browser."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

import unmask
from inference_service.models.attention import KINDS
from tests.models.tiny_checkpoints import SPECIAL, write_stock_checkpoint, write_tokenizer
from tests.page.driver import (
    answer_of,
    at_revision,
    canvas_of,
    cell,
    choose_model,
    go_to,
    run_comparison,
    run_to_end,
    session_of,
    shown_canvas,
    shown_side,
    side,
    start,
    steps,
)

BLOCK = 4
# kind -> caches; the first is the one that the form has by itself
CACHES = {"full": ["none", "dual", "prefix"], "causal": ["causal", "none"], "block_causal": ["block", "none"]}


@pytest.fixture(scope="module")
def block_causal(stack, tmp_path_factory):
    """A checkpoint with random weights, which write no end; loaded."""
    folder = tmp_path_factory.mktemp("models") / "blocks"
    write_stock_checkpoint(folder, "Qwen3ForCausalLM", model_type="sdar", block_size=BLOCK, mask_token_id=260,
                           head_dim=8, attention_bias=False, max_position_embeddings=128)
    write_tokenizer(folder, special=[*SPECIAL[:-1], "<|MASK|>"])
    with unmask.connect(stack.grpc) as client:
        client.load(str(folder))
        yield str(folder)
        client.unload(str(folder))


def test_these_are_all_kinds():
    assert set(CACHES) == set(KINDS)


@pytest.mark.parametrize(("kind", "cache"), [(kind, cache) for kind, caches in CACHES.items() for cache in caches])
def test_it_is_run_taken_back_edited_and_compared(page: Page, client: unmask.Client, block_causal, kind, cache):
    models = {"full": "embedded", "causal": "embedded-causal", "block_causal": block_causal}
    choose_model(page, models[kind])
    if kind == "full":
        page.get_by_test_id("sampler").select_option("llada")
        page.locator("#parameter-block_length").fill("8")
    expect(page.get_by_test_id("cache")).to_have_value(CACHES[kind][0])
    page.get_by_test_id("cache").select_option(cache)
    session = client.open(start(page, "What is 12+34?", length=16))
    first = session.prompt_length
    steps(page, 3)
    assert shown_canvas(page) == canvas_of(session.get())
    go_to(page, 2)
    run_to_end(page)  # a branch
    whole = session.get()
    assert shown_canvas(page) == canvas_of(whole)
    if kind == "block_causal":
        blocks = [change.position // BLOCK for frame in session.history()[-whole.head_revision + 3:]
                  for change in frame.changes]
        assert blocks == sorted(blocks)

    # The canvas at that end, one of its tokens written anew, or the end of it taken back.
    cell(page, first + 1).focus()
    page.keyboard.press("m")
    at_revision(page, whole.head_revision + 1)
    run_to_end(page)
    assert shown_canvas(page) == canvas_of(session.get())
    frames = session.history()
    asked = "" if cache == CACHES[kind][0] else cache  # what a model has by itself is not asked for
    assert {frame.settings.cache.name for frame in frames if frame.HasField("settings")} == {asked}
    assert session.verify() == []
    assert all(one.revision + 1 == other.revision for one, other in pairwise(frames))

    page.get_by_test_id("compare-switch").click()
    page.get_by_test_id("what-b").select_option("run")
    page.get_by_test_id("seed-b").fill("2")
    run_comparison(page)
    other = client.open(side(page, "b").get_attribute("data-session"))
    assert other.get().settings.cache.name == asked
    for which, shown in (("a", client.open(session_of(page))), ("b", other)):
        revision = int(side(page, which).get_attribute("data-revision"))
        assert shown_side(page, which) == answer_of(shown, revision)
    assert other.verify() == []
