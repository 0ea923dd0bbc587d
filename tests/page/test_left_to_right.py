"""A model that reads from left to right on the page: a canvas that grows, checked against a direct client."""

import re

import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import (
    at_revision,
    canvas_of,
    cell,
    choose_model,
    constrain,
    open_cell,
    revision,
    run_to_end,
    shown_canvas,
    shown_tokens,
    start,
)
from tests.page.test_takeaway import copied, made_by, run_as_pasted, send_as_pasted

CAUSAL = "embedded-causal"
STORY = "Tell me a story."


@pytest.fixture
def page(page: Page) -> Page:
    """On the page with the causal model chosen, as a person chooses it."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose_model(page, CAUSAL)
    return page


def why(page: Page, testid: str) -> str:
    """Why a control cannot be used."""
    button = page.get_by_test_id(testid)
    expect(button).to_have_attribute("aria-disabled", "true")
    return button.get_attribute("title")


def answer(session: unmask.Session) -> list[int | None]:
    """What is behind the prompt, as the page lists it."""
    return [token if state != "open" else None for state, token in canvas_of(session.get())[session.prompt_length:]]


def test_a_text_grows_at_its_end_stops_for_a_reason_and_goes_on(page: Page, client: unmask.Client):
    expect(page.get_by_label("At most")).to_be_visible()
    expect(page.get_by_test_id("words")).to_have_count(0)
    session = client.open(start(page, STORY, length=12, seed=3))
    assert shown_tokens(page) == [None]
    page.get_by_test_id("step").click()
    at_revision(page, 1, 1)
    assert len(shown_tokens(page)) == 2
    expect(page.get_by_test_id("did")).to_have_text("1 committed")
    run_to_end(page)
    expect(page.get_by_test_id("complete")).to_have_text("Stopped: as many tokens as asked for")
    alone = client.create(STORY, model=CAUSAL, length=12, seed=3)
    list(alone.step())
    assert shown_tokens(page) == answer(session) == answer(alone)
    size = len(shown_canvas(page))
    context = client.model(CAUSAL).context_length
    expect(page.get_by_test_id("status")).to_contain_text(f"{size} of {context} positions")
    page.get_by_test_id("go-on").click()
    expect(page.get_by_test_id("complete")).to_have_text("Stopped: the end of the turn")
    expect(page.get_by_test_id("go-on")).to_have_count(0)
    whole = client.create(STORY, model=CAUSAL, length=76, seed=3)
    list(whole.step())
    assert shown_tokens(page) == answer(whole)
    page.get_by_test_id("say").fill("What is 12+34?")
    page.get_by_test_id("say-more").click()
    expect(open_cell(page)).to_be_visible()
    run_to_end(page)
    assert "46" in session.text


def test_going_on_follows_the_form_and_another_kind_of_model_has_the_form_for_itself(page: Page, client: unmask.Client):
    page.locator("#parameter-stop").fill(".")
    session = client.open(start(page, STORY, length=30, seed=3))
    run_to_end(page)
    expect(page.get_by_test_id("complete")).to_have_text("Stopped: a stop sequence")
    stopped = session.text
    page.locator("#parameter-stop").fill("")
    page.get_by_test_id("go-on").click()
    expect(page.get_by_test_id("complete")).to_have_text("Stopped: as many tokens as asked for")
    assert dict(session.get().settings.parameters).get("stop", []) == []
    assert session.text.startswith(stopped) and len(session.text) > len(stopped) + 20
    undone = session.revision + 1
    page.get_by_test_id("undo").click()
    at_revision(page, undone, undone)
    # The form is the next model's; the session keeps what is in force.
    choose_model(page, "embedded")
    expect(page.get_by_test_id("model-note")).to_contain_text("Start takes embedded")
    page.get_by_test_id("sampler").select_option("fast_dllm")
    expect(page.get_by_label("Length", exact=True)).to_be_visible()
    page.get_by_test_id("step").click()
    at_revision(page, undone + 1, undone + 1)
    assert session.get().settings.sampler == "autoregressive"
    assert client.open(start(page, STORY, length=8)).get().settings.sampler == "fast_dllm"
    choose_model(page, CAUSAL)
    expect(page.get_by_test_id("sampler").locator("option")).to_have_text(["Autoregressive"])


def test_a_stop_text_of_a_letter_in_two_tokens_stops_and_half_of_it_does_not(page: Page, client: unmask.Client):
    constrain(page, "regex", "caf\u00e9s?")
    page.locator("#parameter-stop").fill("\ufffd\n\u00e9")
    session = client.open(start(page, STORY, length=30, seed=3))
    run_to_end(page)
    expect(page.get_by_test_id("complete")).to_have_text("Stopped: a stop sequence")
    assert session.text == "caf\u00e9"
    assert len(shown_tokens(page)) == len(client.tokenize("caf\u00e9", CAUSAL)) > 2


def test_the_past_is_looked_at_chosen_anew_and_edited(page: Page, client: unmask.Client):
    session = client.open(start(page, STORY, length=24, seed=3))
    run_to_end(page)
    place = session.prompt_length + 5
    cell(page, place).click()
    expect(page.get_by_test_id("drawn-with")).to_have_text("The likeliest, by autoregressive.")
    other = page.get_by_test_id("candidates").locator("li:not([data-chosen])").first
    token = int(other.get_attribute("data-token"))
    other.locator(".choose").click()
    at_revision(page, 25, 25)
    assert shown_tokens(page)[5:] == [token, None]
    expect(page.get_by_test_id("did")).to_have_text("1 picked by hand")
    assert session.get(25).canvas.by_hand == [place]
    run_to_end(page)
    written = shown_tokens(page)
    assert written[5] == token and None not in written and 6 < len(written) <= 24
    page.keyboard.press("Escape")
    page.keyboard.press("Backspace")
    expect(open_cell(page)).to_be_visible()
    expect(page.get_by_test_id("did")).to_have_text("1 taken out")
    before = revision(page)
    open_cell(page).click()
    page.get_by_test_id("write").fill(" and Nora went home")
    page.keyboard.press("Enter")
    at_revision(page, before + 1)
    assert session.text.endswith(" and Nora went home")
    cell(page, place).click()
    page.keyboard.press("m")
    at_revision(page, before + 2)
    assert shown_tokens(page)[5:] == [None]
    page.keyboard.press("z")
    at_revision(page, before + 3)
    assert shown_tokens(page)[5] == token
    assert shown_canvas(page) == canvas_of(session.get())
    # What makes no sense here says why.
    assert "left to right" in why(page, "edit-insert")
    assert "no step changes" in why(page, "edit-lock")
    assert "behind it" in why(page, "brush-mask")
    page.get_by_test_id("remask").locator("summary").click()
    assert "left to right" in why(page, "mask-these")
    cell(page, 1).click()
    expect(page.get_by_test_id("edit-mask")).to_have_attribute("title", re.compile("behind the prompt only"))
    assert "no holes" in page.get_by_role("button", name="Holes", exact=True).get_attribute("title")
    # Marks, rows and the order of the run follow a canvas of another length.
    page.get_by_test_id("heat").locator("summary").click()
    expect(page.get_by_test_id("heat-canvas")).to_be_visible()
    for mode in ("rows", "grid", "reading"):
        page.get_by_test_id("mode").locator(f'[data-value="{mode}"]').click()
        if mode == "rows":  # the text has ended where it was as long as asked: no position is open
            page.get_by_test_id("rows-filter").locator('[data-value="all"]').click()
        expect(page.locator("um-canvas [data-position]").first).to_be_visible()
    expect(page.get_by_test_id("error")).to_have_count(0)


def test_what_was_done_is_done_again_as_pasted(page: Page, stack, client: unmask.Client, tmp_path):
    page.locator("#parameter-temperature").fill("0.9")
    page.locator("#parameter-stop").fill("zzz\n\\n\\n")
    expect(page.get_by_test_id("texts")).to_have_text(re.compile(r"zzz\s*⏎⏎"))
    expect(page.get_by_test_id("preset")).to_have_value("")
    session = client.open(start(page, STORY, length=10, seed=11))
    assert dict(session.get(0).settings.parameters)["stop"] == ["zzz", "\n\n"]
    run_to_end(page)
    given = session.prompt_length
    session.edit(unmask.edits.insert(given + 10, 1))
    session.edit(unmask.edits.force(given + 10, " red hat"))
    session.edit(unmask.edits.delete(given + 2, 1))
    session.edit(unmask.edits.replace(given + 4, 2, " one two three"))
    session.edit(unmask.edits.delete_last(2))
    session.edit(unmask.edits.mask(given + 6))
    session.edit(unmask.edits.replace(2, 1, " me"))
    list(session.step(3))
    list(session.step(2, from_revision=4))
    session.say("And then?", 6)
    list(session.step())
    at_revision(page, session.revision, session.revision)
    wanted = session.get()
    for what, make, told in (("copy-python", run_as_pasted, (stack.grpc, tmp_path)),
                             ("copy-grpc", run_as_pasted, (stack.grpc, tmp_path)),
                             ("copy-json", send_as_pasted, (stack.page.replace("http", "ws") + "ws",))):
        again = made_by(client, make, copied(page, what), *told)[0]
        assert canvas_of(again.get()) == canvas_of(wanted)
        assert again.revision == session.revision
        assert canvas_of(again.get(20)) == canvas_of(session.get(20))


def test_both_kinds_write_on_one_prompt_in_lockstep(page: Page, client: unmask.Client):
    choose_model(page, "embedded")
    page.get_by_test_id("prompt").fill(STORY)
    page.get_by_test_id("length").fill("20")
    page.get_by_test_id("compare-switch").click()
    page.get_by_test_id("sampler-a").select_option("fast_dllm")
    page.get_by_test_id("model-b").select_option(CAUSAL)
    expect(page.get_by_test_id("sampler-b")).to_have_value("autoregressive")
    page.get_by_test_id("compare-run").click()
    expect(page.get_by_test_id("compare-stop")).to_be_visible()
    expect(page.get_by_test_id("compare-run")).to_be_visible(timeout=60_000)
    sides = {which: client.open(page.get_by_test_id(f"side-{which}").get_attribute("data-session")) for which in "ab"}
    assert sides["a"].prompt_length == sides["b"].prompt_length
    expect(page.get_by_test_id("difference")).to_contain_text("from the prompt's end")
    texts = {which: answer(session) for which, session in sides.items()}
    marked = page.get_by_test_id("side-b").locator("[data-differs]").evaluate_all(
        "cells => cells.map(({dataset}) => Number(dataset.position))")
    given = sides["b"].prompt_length
    pairs = enumerate(zip(texts["a"], texts["b"], strict=True), given)
    assert marked == [at for at, (one, other) in pairs if one != other]
    assert marked
    # By tokens both have written as many, in another number of steps.
    assert sides["a"].revision < 20 and sides["b"].revision == 20
    page.get_by_test_id("compare-by").locator('[data-value="tokens"]').click()
    expect(page.get_by_test_id("compare-index")).to_have_text(re.compile(r"^20\s*/\s*20$"))
    page.get_by_test_id("compare-slider").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("side-b")).to_have_attribute("data-revision", "10")
    at = int(page.get_by_test_id("side-a").get_attribute("data-revision"))

    def written(at: int) -> int:
        return sum(state == "committed" for state, _ in canvas_of(sides["a"].get(at)))

    assert written(at) <= 10 < written(at + 1)
    for which in "ab":
        expect(page.get_by_test_id(f"facts-{which}")).to_contain_text("steps")
