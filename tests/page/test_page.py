"""The page as a person uses it, checked against what a direct gRPC client sees."""

import re

import pytest
from playwright.sync_api import Page, expect

import unmask

STORY = "Tell me a story about Tom and a red kite."


def start(page: Page, prompt: str = STORY, length: int = 32, seed: int = 7, **parameters: str) -> str:
    """Fills in the form and starts; the session's id."""
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("length").fill(str(length))
    page.get_by_test_id("seed").fill(str(seed))
    for name, value in parameters.items():
        field = page.get_by_label(name, exact=False).first
        field.fill(value)
    before = page.evaluate("location.hash")
    page.get_by_test_id("start").click()
    expect(page.locator('um-canvas [data-state="open"]').first).to_be_visible()
    page.wait_for_function("before => location.hash && location.hash !== before", arg=before)
    return session_of(page)


def session_of(page: Page) -> str:
    return re.search(r"session=([\w-]+)|#([\w-]+)$", page.url).group(1) or page.url.rsplit("#", 1)[1]


def shown_tokens(page: Page) -> list[int | None]:
    """The tokens of the cells after the prompt, None for an open one."""
    return page.eval_on_selector_all(
        "um-canvas [data-position]",
        "cells => cells.filter(cell => cell.dataset.state !== 'given')"
        ".map(cell => cell.dataset.state === 'open' ? null : Number(cell.dataset.token))")


def revision(page: Page) -> int:
    return int(page.get_by_test_id("revision").inner_text().split("/")[0])


def go_to(page: Page, wanted: int) -> None:
    """Moves the timeline with the keyboard, as a person would."""
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("Home")
    for _ in range(wanted):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{wanted}\s*/"))


def run_to_end(page: Page) -> None:
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("complete")).to_be_visible(timeout=60_000)


def test_a_run_shows_what_a_direct_client_sees(page: Page, client: unmask.Client):
    session = client.open(start(page))
    run_to_end(page)
    assert shown_tokens(page) == session.tokens
    assert None not in session.tokens
    assert revision(page) == session.revision == 32
    # The same prompt, seed and settings through the API alone give the same text.
    direct = client.create(STORY, length=32, seed=7)
    assert list(direct.step())[-1].summary.open_count == 0
    assert direct.tokens == session.tokens


def test_drafts_show_what_the_model_would_write(page: Page, client: unmask.Client):
    session = client.open(start(page))
    page.get_by_test_id("forward").click()
    ghosts = page.locator("um-canvas [data-position][data-ghost]")
    expect(ghosts).to_have_count(32)
    draft = session.predict().draft
    for position, token in zip(draft.positions, draft.tokens, strict=True):
        word = client.detokenize([token]).strip()  # empty for a special token, which shows its name
        expect(page.locator(f'um-canvas [data-position="{position}"]')).to_contain_text(word)
    assert any(client.detokenize([token]).strip() for token in draft.tokens)
    assert session.revision == 0  # looking changes nothing


def test_the_second_best_token_gives_another_ending_and_the_first_stays(page: Page, client: unmask.Client):
    session = client.open(start(page))
    run_to_end(page)
    first_ending = shown_tokens(page)
    # A cell that was committed in the middle of the run, and what the model weighed there.
    frames = [frame for frame in session.history() if frame.changes]
    change = frames[9].changes[0]
    page.locator(f'um-canvas [data-position="{change.position}"]').click()
    candidates = page.get_by_test_id("candidates").locator("li")
    expect(candidates.first).to_be_visible()
    weighed = session.candidates([change.position], 10, revision=frames[9].parent_revision)[0].candidates
    assert [int(row.get_attribute("data-token")) for row in candidates.all()] == [c.token for c in weighed]
    second = next(c.token for c in weighed if c.token != change.token)
    page.locator(f'[data-testid="candidates"] li[data-token="{second}"] button.choose').click()
    expect(page.locator(f'um-canvas [data-position="{change.position}"]')).to_have_attribute("data-token", str(second))
    run_to_end(page)
    second_ending = shown_tokens(page)
    assert second_ending != first_ending
    assert second_ending == session.tokens
    assert second in second_ending
    # The slider brings the first ending back, unharmed.
    go_to(page, 32)
    assert shown_tokens(page) == first_ending
    assert session.get(32).canvas.tokens[session.prompt_length:] == first_ending


def test_rewind_by_the_slider_and_continue_from_there(page: Page, client: unmask.Client):
    session = client.open(start(page))
    for wanted in (1, 2, 3):
        page.get_by_test_id("step").click()
        expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{wanted}\s*/"))
    go_to(page, 1)
    assert shown_tokens(page) == [None if s == unmask.client.OPEN else t for t, s in
                                  zip(session.get(1).canvas.tokens, session.get(1).canvas.states,
                                      strict=True)][session.prompt_length:]
    assert session.revision == 3  # looking back changes nothing
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^5\s*/\s*5"))
    frames = session.history()
    assert [(frame.revision, frame.parent_revision) for frame in frames[-2:]] == [(4, 1), (5, 4)]
    assert shown_tokens(page) == session.tokens


def test_auto_select_proposes_and_apply_commits(page: Page, client: unmask.Client):
    session = client.open(start(page))
    page.get_by_test_id("forward").click()
    expect(page.locator("um-canvas [data-ghost]").first).to_be_visible()
    page.get_by_test_id("auto-select").click()
    chip = page.get_by_test_id("tray").locator("li")
    expect(chip).to_have_count(1)
    assert session.revision == 0
    best = session.propose(sampler="ranked", strategy="high_confidence", count=1)[0]
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^1\s*/"))
    assert session.tokens[best.position - session.prompt_length] == best.token
    assert shown_tokens(page) == session.tokens


def test_stop_keeps_whole_revisions_and_run_goes_on(page: Page, client: unmask.Client):
    session = client.open(start(page, length=128))
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("revision")).not_to_have_text(re.compile(r"^0\s*/"))
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("run")).to_be_visible()
    stopped = session.revision
    assert 0 < stopped < 128
    assert shown_tokens(page) == session.tokens
    run_to_end(page)
    assert session.revision == 128


def test_a_killed_service_comes_back_with_the_session(page: Page, stack, client: unmask.Client):
    session_id = start(page, length=128)
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("revision")).not_to_have_text(re.compile(r"^0\s*/"))
    stack.kill_service()
    expect(page.get_by_test_id("disconnected").or_(page.get_by_test_id("error")).first).to_be_visible()
    held = revision(page)
    tokens = shown_tokens(page)
    stack.start_service()
    expect(page.get_by_test_id("connection")).to_have_text("connected", timeout=100_000)
    session = client.open(session_id)
    newest = session.revision
    assert newest >= held  # what was shown is there
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{newest}\s*/"), timeout=60_000)
    assert shown_tokens(page) == session.tokens
    assert [now for now, before in zip(session.tokens, tokens, strict=True) if before is not None] == [
        before for before in tokens if before is not None]
    run_to_end(page)
    assert shown_tokens(page) == session.tokens
    uninterrupted = client.create(STORY, length=128, seed=7)
    list(uninterrupted.step())
    assert uninterrupted.tokens == session.tokens


def test_a_reload_comes_back_to_the_session(page: Page, client: unmask.Client):
    session = client.open(start(page))
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^1\s*/"))
    page.reload()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^1\s*/"))
    assert shown_tokens(page) == session.tokens


def test_an_error_names_the_field_and_the_range_and_clears_nothing(page: Page):
    page.get_by_test_id("prompt").fill("Once upon a time")
    page.get_by_test_id("length").fill("5000")
    expect(page.get_by_test_id("start")).to_be_disabled()
    expect(page.get_by_test_id("start")).to_have_attribute("title", re.compile("length: 1 to 256"))
    page.get_by_test_id("length").fill("256")  # within the context, but the prompt takes some of it
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("error")).to_contain_text(re.compile(r"length.*1 to 2\d\d"))
    expect(page.get_by_test_id("prompt")).to_have_value("Once upon a time")
    expect(page.get_by_test_id("length")).to_have_value("256")


def test_a_prompt_too_large_to_send_is_told_so(page: Page):
    page.get_by_test_id("prompt").fill("a" * 100_000)
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("error")).to_contain_text("at most 65536 bytes")
    expect(page.get_by_test_id("connection")).to_have_text("connected")


def test_token_text_is_never_markup(page: Page):
    start(page, prompt='<img src=x onerror="document.title=1"> <b>bold</b>\u0007')
    text = page.locator("um-canvas").inner_text()
    assert "onerror" in text.replace("\n", "").replace("␠", "") or "on" in text
    assert page.locator("um-canvas img, um-canvas b").count() == 0
    assert page.title() == "Unmask"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_paint(page: Page, scheme: str):
    page.emulate_media(color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    canvas = page.evaluate("""() => { const c = document.createElement('canvas').getContext('2d');
        c.fillStyle = getComputedStyle(document.body).backgroundColor; c.fillRect(0, 0, 1, 1);
        return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3).reduce((a, b) => a + b) / 3 }""")
    assert (canvas > 200) == (scheme == "light"), background


def test_the_keyboard_alone_runs_inspects_and_picks(page: Page, client: unmask.Client):
    session = client.open(start(page))
    cell = page.locator('um-canvas [data-state="open"]').first
    cell.focus()
    position = int(cell.get_attribute("data-position"))
    page.keyboard.press("s")  # a step
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^\d+\s*/\s*1"))
    page.locator(f'um-canvas [data-position="{position}"]').focus()
    page.keyboard.press("Enter")
    candidates = page.get_by_test_id("candidates").locator("li button.choose")
    expect(candidates.first).to_be_visible()
    candidates.nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator(f'um-canvas [data-position="{position}"]')).to_have_attribute("data-hand", "")
    assert session.tokens[position - session.prompt_length] is not None
    page.keyboard.press("?")
    expect(page.locator("um-keys dialog[open], um-keys [role=dialog]").first).to_be_visible()
    page.keyboard.press("Escape")
