"""The page as a person uses it, checked against what a direct gRPC client sees."""

import re

import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import STORY, go_to, revision, run_to_end, shown_tokens, start
from unmask.frames import OPEN
from unmask.v1 import session_pb2

RUNNING = session_pb2.Session.STATE_RUNNING


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
    assert shown_tokens(page) == [None if s == OPEN else t for t, s in
                                  zip(session.get(1).canvas.tokens, session.get(1).canvas.states,
                                      strict=True)][session.prompt_length:]
    assert session.revision == 3  # looking back changes nothing
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^4\s*/\s*4"))
    frames = session.history()
    assert [(frame.revision, frame.parent_revision) for frame in frames[-2:]] == [(3, 2), (4, 1)]
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
    while session.get().state == RUNNING:  # the step that was under way is still committed
        page.wait_for_timeout(20)
    stopped = session.revision
    assert 0 < stopped < 128
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{stopped}\s*/\s*{stopped}$"))
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
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    session = client.open(session_id)
    newest = session.revision
    assert newest >= held  # what was shown is there
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{newest}\s*/"))
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


def deed(frames: list, revision: int) -> dict[str, set[int]]:
    """What a frame did to the positions that it changed."""
    tokens: dict[int, int | None] = {}
    for frame in frames[:revision]:
        tokens.update({change.position: change.token if change.HasField("token") else None for change in frame.changes})
    done: dict[str, set[int]] = {"committed": set(), "reopened": set(), "edited": set()}
    for change in frames[revision].changes:
        before = tokens.get(change.position)
        if not change.HasField("token"):
            done["reopened"].add(change.position)
        elif before is None:
            done["committed"].add(change.position)
        elif before != change.token:
            done["edited"].add(change.position)
    return done


def marked(page: Page) -> dict[str, set[int]]:
    """The positions marked as changed by the revision shown."""
    cells = page.eval_on_selector_all(
        "um-canvas [data-position][data-new]",
        "cells => cells.map(cell => [Number(cell.dataset.position), cell.dataset.new])")
    return {kind: {position for position, how in cells if how == kind} for kind in ("committed", "reopened", "edited")}


def choose_sampler(page: Page, name: str, **parameters: object) -> None:
    page.get_by_test_id("sampler").select_option(name)
    for label, value in parameters.items():
        page.locator(f"#parameter-{label}").fill(str(value))


def test_a_sampler_that_revises_runs_to_its_own_end(page: Page, client: unmask.Client):
    choose_sampler(page, "predict_remask", iterations=4)
    session = client.open(start(page))
    for wanted in (1, 2):
        page.get_by_test_id("step").click()
        expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{wanted}\s*/"))
        frames = session.history()
        assert marked(page) == deed(frames, wanted)
        words = "prediction: 32 committed" if wanted == 1 else f"remasking: {len(frames[2].changes)} opened again"
        expect(page.get_by_test_id("did")).to_have_text(words)
        assert frames[wanted].summary.pending
        # A full canvas is not the end while the sampler has more to do.
        expect(page.get_by_test_id("complete")).to_have_count(0)
        expect(page.get_by_test_id("run")).to_be_enabled()
    run_to_end(page)
    assert shown_tokens(page) == session.tokens
    summary = session.history()[-1].summary
    assert not summary.pending
    status = page.get_by_test_id("status")
    expect(status).to_contain_text(re.compile(rf"Before end\s*{summary.tokens_before_end}\b"))
    expect(status).to_contain_text(re.compile(rf"Forwards\s*{summary.total_forward_count}\b"))
    expect(status).to_contain_text("Wall time")
    expect(page.get_by_test_id("run")).to_be_disabled()


def test_edits_are_marked_where_another_token_stood(page: Page, client: unmask.Client):
    """Hasty and easily persuaded, the model edits some of what it committed."""
    choose_sampler(page, "token_editing", tau_mask=0.1, tau_edit=0.3)
    session = client.open(start(page))
    run_to_end(page)
    assert shown_tokens(page) == session.tokens
    frames = session.history()
    deeds = [deed(frames, frame.revision) for frame in frames]
    revision = next(number for number, done in enumerate(deeds) if done["edited"])
    go_to(page, revision)
    assert marked(page) == deeds[revision]


def test_a_complete_canvas_goes_on_with_a_sampler_that_revises(page: Page, client: unmask.Client):
    session = client.open(start(page))
    run_to_end(page)
    expect(page.get_by_test_id("run")).to_be_disabled()
    choose_sampler(page, "predict_remask", iterations=3)
    expect(page.get_by_test_id("run")).to_be_enabled()
    before = session.revision
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("run")).to_be_disabled()
    expect(page.get_by_test_id("complete")).to_be_visible()
    assert session.revision > before
    assert shown_tokens(page) == session.tokens


def test_reopenings_are_proposed_taken_out_and_applied(page: Page, client: unmask.Client):
    choose_sampler(page, "predict_remask", iterations=4)
    session = client.open(start(page))
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^1\s*/"))
    page.get_by_test_id("selector").select_option("sampler")
    page.get_by_test_id("auto-select").click()
    rows = page.get_by_test_id("tray").locator("li")
    reopens = sorted(reopen.position for reopen in session.proposal().reopens)
    expect(rows).to_have_count(len(reopens))
    expect(rows.first).to_contain_text(f"open again position {reopens[0]}")
    rows.first.get_by_role("button", name=re.compile("^Remove")).click()
    expect(rows).to_have_count(len(reopens) - 1)
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^2\s*/"))
    canvas = session.get().canvas
    assert [position for position, state in enumerate(canvas.states) if state == OPEN] == reopens[1:]
    assert marked(page)["reopened"] == set(reopens[1:])


def test_an_edit_is_marked_and_says_what_stood_there(page: Page, client: unmask.Client):
    session = client.open(start(page))
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^1\s*/"))
    change = session.history()[1].changes[0]
    other = next(candidate.token for candidate in session.candidates([change.position], 3, revision=0)[0].candidates
                 if candidate.token != change.token)
    session.select({change.position: other})
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^2\s*/"))
    assert marked(page) == {"committed": set(), "reopened": set(), "edited": {change.position}}
    expect(page.get_by_test_id("did")).to_have_text("1 edited")
    page.locator(f'um-canvas [data-position="{change.position}"]').click()
    expect(page.get_by_test_id("inspector")).to_contain_text("in the place of")


def test_words_stand_at_their_positions(page: Page, client: unmask.Client):
    field = page.get_by_test_id("words")
    field.fill("0:Once, upon")
    expect(page.get_by_test_id("start")).to_be_disabled()
    expect(page.locator("#words-note")).to_have_text("position:word, with commas between, such as 0:Once, 5:upon")
    field.fill("0:Once, 9:kite")
    session = client.open(start(page))
    expected = {offset + index: token.id for offset, text in ((0, "Once"), (9, " kite"))
                for index, token in enumerate(client.tokenize(text))}
    given = page.locator('um-canvas .answer [data-state="given"]')
    expect(given).to_have_count(len(expected))
    run_to_end(page)
    assert {offset: session.tokens[offset] for offset in expected} == expected
    shown = {int(cell.get_attribute("data-position")) - session.prompt_length: int(cell.get_attribute("data-token"))
             for cell in given.all()}
    assert shown == expected
    given.first.click()
    expect(page.get_by_test_id("inspector")).to_contain_text("was given for this position")


def test_a_sampler_shows_its_own_parameters_and_folds_what_all_share(page: Page, client: unmask.Client):
    samplers = client.model().samplers
    shared = set.intersection(*({parameter.name for parameter in sampler.parameters} for sampler in samplers))
    assert "temperature" in shared
    for sampler in samplers:
        page.get_by_test_id("sampler").select_option(sampler.name)
        expect(page.get_by_test_id("source")).to_have_text(sampler.source)
        expect(page.locator("#parameter-temperature")).to_be_hidden()
        own = [parameter.name for parameter in sampler.parameters if parameter.name not in shared]
        expect(page.locator(f"#parameter-{own[0]}")).to_be_visible()
    page.get_by_test_id("common").locator("summary").click()
    page.locator("#parameter-temperature").fill("0.5")
    page.get_by_test_id("sampler").select_option(samplers[0].name)
    expect(page.locator("#parameter-temperature")).to_have_value("0.5")
    expect(page.get_by_test_id("common").locator("summary")).to_contain_text("temperature 0.5")
    session = client.open(start(page))
    assert session.get().settings.parameters["temperature"] == 0.5


def test_the_form_is_tried_on_the_logits_at_hand(page: Page, client: unmask.Client):
    session = client.open(start(page))
    page.get_by_test_id("forward").click()
    cell = page.locator("um-canvas [data-ghost]").nth(4)
    position = int(cell.get_attribute("data-position"))
    cell.click()
    rows = page.get_by_test_id("candidates").locator("li")
    expect(rows).to_have_count(10)
    page.get_by_test_id("common").locator("summary").click()
    page.locator("#parameter-temperature").fill("1.5")
    page.locator("#parameter-top_k").fill("4")
    expect(page.get_by_test_id("trial")).to_be_visible()
    tried = next(answer for answer in session.reprocess(temperature=1.5, top_k=4) if answer.position == position)
    assert tried.kept_count == 4
    # The first trial may still be that of the temperature alone.
    expect(page.locator('[data-testid="candidates"] li[data-cut]')).to_have_count(6)
    assert [int(row.get_attribute("data-token")) for row in rows.all()] == [c.token for c in tried.candidates]
    numbers = [text.split("\n")[-1].strip() for text in rows.locator(".choose").all_inner_texts()]
    assert [number in ("cut", "never") for number in numbers] == [not candidate.kept for candidate in tried.candidates]
    expect(page.get_by_test_id("kept")).to_have_text("4 tokens")
    expect(page.get_by_test_id("inspector")).to_contain_text("6 rows visual only")
    assert session.revision == 0
    page.locator("#parameter-temperature").fill("")
    page.locator("#parameter-top_k").fill("")
    expect(page.get_by_test_id("trial")).to_have_count(0)


def test_what_looking_took_is_a_number_of_its_own(page: Page, client: unmask.Client):
    session = client.open(start(page, length=8))
    page.get_by_test_id("more-numbers").click()
    told = page.get_by_test_id("all-numbers")
    expect(told).to_contain_text(re.compile(r"Looking\s*0 passes"))
    page.get_by_test_id("forward").click()
    expect(told).to_contain_text(re.compile(r"Looking\s*1 pass\b"))
    run_to_end(page)
    assert session.forwards == 8 and session.history()[1].summary.reused_forward_count == 1
    expect(page.get_by_test_id("status")).to_contain_text(re.compile(r"Forwards\s*8\b"))
    expect(page.get_by_test_id("status")).to_contain_text(re.compile(r"Tokens a pass\s*1(\.0)?\b"))
    session.predict(revision=3)  # somebody else looks, and the page tells when it asks again
    list(session.step(1, from_revision=2))
    expect(told).to_contain_text(re.compile(rf"Looking\s*{session.looking_forwards} pass"))


def test_the_numbers_are_those_of_the_service_and_move_nothing(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    more = page.get_by_test_id("more-numbers")
    told = page.get_by_test_id("all-numbers")
    expect(told).to_be_hidden()
    more.click()
    expect(more).to_have_attribute("aria-expanded", "true")
    length = len(session.tokens) + session.prompt_length
    expect(told).to_contain_text(re.compile(rf"Positions\s*{length}\b"))
    expect(told).to_contain_text(re.compile(rf"Vocabulary\s*{client.model().vocabulary_size}\b"))
    page.evaluate("""() => {
        window.heights = new Set();
        const status = document.querySelector("um-status");
        new MutationObserver(() => window.heights.add(status.offsetHeight))
            .observe(status, { subtree: true, childList: true, characterData: true });
    }""")
    run_to_end(page)
    assert len(page.evaluate("[...window.heights]")) == 1
    frames = session.history()
    summary = frames[-1].summary
    seconds = summary.total_wall_time.ToTimedelta().total_seconds()
    steps = len(frames) - 1
    milliseconds = seconds / steps * 1000
    expect(told).to_contain_text(re.compile(rf"Lowest p\s*{summary.min_probability:.2f}"))
    shown = int(re.search(r"Time a step\s*(\d+) ms", told.inner_text())[1])
    assert abs(shown - milliseconds) <= 0.51
    rate = float(re.search(r"Tokens a second\s*([\d.]+)", page.get_by_test_id("status").inner_text())[1])
    assert abs(rate - 24 / seconds) <= 0.051
    page.get_by_test_id("timeline").press("Home")
    expect(page.get_by_test_id("status")).to_contain_text(re.compile(rf"Open\s*24 {24 / length:.0%}"))
    expect(page.get_by_test_id("status")).to_contain_text(re.compile("Tokens a second\\s*–"))
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    page.reload()
    expect(told).to_be_visible()
