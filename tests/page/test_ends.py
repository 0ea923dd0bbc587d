"""A checkpoint that lists several end ids, on the page: it is told them, and a text stops at each."""

import re

import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.ending import ending_at_stops, stop_of
from tests.page.driver import choose_model, run_to_end, shown_tokens, start

STORY = "Tell me a story."


@pytest.fixture(scope="module", params=[True, False], ids=["left to right", "both ways"])
def ending(request, stack, tmp_path_factory):
    """The name of a model that ends at the full stop too, in the server's memory; the stop's id; how to decode it."""
    folder = ending_at_stops(tmp_path_factory.mktemp("ends") / "stopping", causal=request.param)
    with unmask.connect(stack.grpc) as client:
        client.load(str(folder), family="causal" if request.param else "")  # its tokenizer has a mask
    return str(folder), stop_of(folder), request.param


def test_a_text_stops_at_the_second_end_id_and_the_panel_tells_it(page: Page, client: unmask.Client, ending):
    name, stop, causal = ending
    choose_model(page, name)
    page.get_by_test_id("model-line").click()
    expect(page.get_by_test_id("model-facts")).to_contain_text(f"Ends too{stop} .")
    page.get_by_test_id("model-line").click()
    if not causal:
        page.get_by_test_id("sampler").select_option("left_to_right")
        page.locator("#parameter-early_stop").check()
    session = client.open(start(page, STORY, length=32))
    begin = session.prompt_length
    run_to_end(page)
    written = shown_tokens(page)
    at = written.index(stop)
    if causal:
        expect(page.get_by_test_id("complete")).to_have_text("Stopped: the end of the turn")
        assert at == len(written) - 1 < 31
    else:
        expect(page.get_by_test_id("status")).to_contain_text(re.compile(rf"Before end\s*{at}"))
        assert set(written[at + 1:]) == {client.model(name).eos_token}
    # The next turn stands where the text ended.
    page.get_by_test_id("say").fill("What then?")
    page.get_by_test_id("say-more").click()
    expect(page.locator('um-canvas [data-position][data-state="open"]').first).to_be_visible()
    after = list(session.get().canvas.tokens)[begin:]
    assert after[:at] == written[:at] and after[at] != stop
