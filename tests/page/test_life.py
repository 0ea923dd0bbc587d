"""The life of a position and the tokens watched, checked against what a direct gRPC client sees."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, cell, go_to, run_to_end, start, steps

# Without the chat template the small model is unsure, and its drafts flip.
SEED = 3


def begin(page: Page, client: unmask.Client, length: int = 24) -> unmask.Session:
    page.get_by_label("Chat").uncheck()
    return client.open(start(page, length=length, seed=SEED))


def drafts_of(session: unmask.Session, position: int) -> list[tuple[int, int, int]]:
    """The draft of every prediction at a position: revision, token, p in one byte."""
    told = []
    for frame in session.history():
        for at, token, p in zip(frame.draft.positions, frame.draft.tokens, frame.draft.probabilities, strict=True):
            if at == position:
                told.append((frame.draft.predicted_at, token, p))
    return told


def runs_of(session: unmask.Session, position: int) -> list[list[int]]:
    """The same as runs: revision, token, how many predictions."""
    runs: list[list[int]] = []
    for revision, token, _ in drafts_of(session, position):
        if runs and runs[-1][1] == token:
            runs[-1][2] += 1
        else:
            runs.append([revision, token, 1])
    return runs


def shown_runs(page: Page) -> list[list[int]]:
    return page.eval_on_selector_all(
        '[data-testid="life-passage"][data-kind="draft"]',
        "all => all.map(({dataset: {revision, token, count}}) => [revision, token, count].map(Number))")


def deeds(page: Page) -> list[str]:
    return page.locator('[data-testid="life-passage"]:not([data-kind="draft"])').all_inner_texts()


def liveliest(session: unmask.Session) -> int:
    positions = range(session.prompt_length, len(session.get().canvas.tokens))
    return max(positions, key=lambda position: len(runs_of(session, position)))


def watch(page: Page, rank: int) -> int:
    """Watches the candidate of a rank; its token."""
    row = page.get_by_test_id("candidates").locator("li").nth(rank)
    row.get_by_test_id("watch-switch").click()
    expect(row.get_by_test_id("watch-switch")).to_have_attribute("aria-pressed", "true")
    return int(row.get_attribute("data-token"))


def column(page: Page, place: int) -> dict[int, str]:
    """A watched token's numbers, by revision."""
    return {int(revision): text for revision, text in page.eval_on_selector_all(
        '[data-testid="watched-table"] tbody tr',
        "(rows, place) => rows.map(row => [row.dataset.revision, row.cells[place].innerText])", place)}


def digits(p: float) -> str:
    """As the page writes a probability."""
    if 0.9999 < p < 1:
        return ">0.9999"
    if p >= 0.001:
        return f"{p:.4f}"
    mantissa, exponent = f"{p:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def test_a_life_is_what_the_drafts_of_the_frames_say(page: Page, client: unmask.Client):
    session = begin(page, client)
    run_to_end(page)
    position = liveliest(session)
    runs = runs_of(session, position)
    assert len(runs) > 3
    cell(page, position).click()
    expect(page.get_by_test_id("life-spark")).to_be_visible()
    assert shown_runs(page) == runs
    commit = next(frame for frame in session.history() for change in frame.changes if change.position == position)
    assert len(deeds(page)) == 1
    assert re.search(rf"committed at {commit.revision} by the sampler, p \S+%", deeds(page)[0])
    flipped = page.locator("[data-testid=life-passage][data-flipped]")
    expect(flipped).to_have_count(len(runs) - 1)
    words = page.get_by_test_id("life-words")
    expect(words).to_contain_text(f"{len(drafts_of(session, position))} predictions: the draft flipped {len(runs) - 1}")
    emerged = runs[-1][1] == session.get().canvas.tokens[position] and runs[-1][2] > 1
    assert (f"The final token was the draft from revision {runs[-1][0]} on." in words.inner_text()) == emerged
    # To a revision with a click; the life stays whole, and says where one is.
    page.get_by_test_id("life-passage").nth(2).click()
    at_revision(page, runs[2][0], session.revision)
    expect(page.locator("[data-testid=life-passage][aria-current]")).to_have_attribute("data-revision", str(runs[2][0]))
    assert shown_runs(page) == runs
    page.get_by_test_id("life-table-switch").click()
    said = page.locator("[data-testid=life-table] tbody tr", has_text="draft").all_inner_texts()
    assert [re.search(r"≈ (\d+)%", text).group(1) for text in said] == [
        f"{int(p / 255 * 100 + 0.5)}" for _, _, p in drafts_of(session, position)]


def test_a_life_names_what_a_hand_did(page: Page, client: unmask.Client):
    session = begin(page, client)
    steps(page, 3)
    position = int(page.locator('um-canvas [data-state="open"]').nth(5).get_attribute("data-position"))
    cell(page, position).click()
    page.get_by_test_id("candidates").locator("li .choose").nth(1).click()
    at_revision(page, 4)
    expect(page.get_by_test_id("life-passage").last).to_have_attribute("data-by", "hand")
    page.get_by_test_id("edit-lock").click()
    at_revision(page, 5)
    page.get_by_test_id("edit-lock").click()
    at_revision(page, 6)
    page.get_by_test_id("edit-mask").click()
    at_revision(page, 7)
    expect(page.locator('[data-testid="life-passage"][data-kind="reopened"]')).to_have_attribute("data-revision", "7")
    assert [re.sub(r", p .*", "", text).split("\n")[-1] for text in deeds(page)] == [
        "committed at 4 by hand", "locked at 5 by hand", "unlocked at 6 by hand", "opened again at 7 by hand"]
    draft = session.predict(7).draft  # an edit brings what the model says then
    again = dict(zip(draft.positions, draft.tokens, strict=True))[position]
    expect(page.get_by_test_id("life-passage").last).to_have_attribute("data-revision", "7")
    expect(page.get_by_test_id("life-passage").last).to_have_attribute("data-kind", "draft")
    assert shown_runs(page) == [*runs_of(session, position), [7, again, 1]]


def test_watched_numbers_are_those_of_a_direct_client(page: Page, client: unmask.Client):
    session = begin(page, client)
    run_to_end(page)
    position = liveliest(session)
    cell(page, position).click()
    tokens = [watch(page, 0), watch(page, 5)]
    page.get_by_test_id("watched-table-switch").click()
    known = {revision for revision, token, _ in drafts_of(session, position) if token == tokens[0]}
    free = {revision for revision, text in column(page, 1).items() if text.startswith("≈")}
    last = max(column(page, 1))  # exact: the inspector was told
    assert free == known - {last}
    page.get_by_test_id("fill").click()
    expect(page.get_by_test_id("fill")).to_have_count(0)
    expect(page.get_by_test_id("filling")).to_have_count(0)
    for revision in (0, last // 2, last):
        [weighed] = session.candidates([position], 100, revision)
        order = [candidate.token for candidate in weighed.candidates]
        for place, token in enumerate(tokens, 1):
            if token in order:
                rank = order.index(token)
                expected = f"{digits(weighed.candidates[rank].p_base)}, rank {rank + 1}"
            else:
                expected = f"≤ {digits(weighed.candidates[-1].p_base)}, below rank 100"
            assert column(page, place)[revision] == expected or revision in free
    go_to(page, 0)
    expect(page.get_by_test_id("watch-now").nth(1)).to_have_text(re.compile("^(p |below rank 100)"))
    # It is kept over a reload, and moves with its position.
    page.get_by_test_id("newest").click()
    page.wait_for_function("() => (sessionStorage['unmask'] ?? '').includes('\"token\":')")
    page.reload()
    expect(page.get_by_test_id("watch")).to_have_count(2)
    expect(page.get_by_test_id("watch").first).to_have_attribute("data-position", str(position))
    at_revision(page, session.revision)
    cell(page, session.prompt_length).focus()
    page.keyboard.press("i")
    expect(page.get_by_test_id("watch").first).to_have_attribute("data-position", str(position + 1))
    page.get_by_test_id("unwatch").first.click()
    expect(page.get_by_test_id("watch")).to_have_count(1)


def test_filling_in_shows_how_far_it_is_and_can_be_cancelled(page: Page, client: unmask.Client):
    session = begin(page, client)
    run_to_end(page)
    cell(page, liveliest(session)).click()
    watch(page, 5)
    page.get_by_test_id("watched-table-switch").click()
    fill = page.get_by_test_id("fill")
    total = int(re.search(r"\d+", fill.inner_text()).group())
    assert total > 10
    page.evaluate("""() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (data) { setTimeout(() => send.call(this, data), 150); };
    }""")
    fill.click()
    progress = page.get_by_test_id("filling")
    expect(progress).to_have_attribute("max", str(total))
    page.wait_for_function("() => document.querySelector('[data-testid=filling]')?.value >= 2")
    page.get_by_test_id("fill-cancel").click()
    expect(progress).to_have_count(0)
    left = int(re.search(r"\d+", fill.inner_text()).group())
    assert 0 < left <= total - 2
    told = column(page, 1)
    gaps = [revision for revision, text in told.items() if text == "not known"]
    assert max(gaps) < min(revision for revision, text in told.items() if text != "not known")  # newest first
    assert len(gaps) == left


def test_a_step_adds_to_what_is_watched_by_itself(page: Page, client: unmask.Client):
    session = begin(page, client)
    steps(page, 1)
    position = int(page.locator('um-canvas [data-state="open"]').nth(9).get_attribute("data-position"))
    cell(page, position).click()
    token = watch(page, 3)
    page.keyboard.press("Escape")
    for revision in (2, 3):
        page.get_by_test_id("step").click()
        at_revision(page, revision)
        [weighed] = session.candidates([position], 100, revision)
        rank = [candidate.token for candidate in weighed.candidates].index(token)
        expect(page.get_by_test_id("watch-now")).to_have_text(
            f"p {digits(weighed.candidates[rank].p_base)}, rank {rank + 1}")


def test_life_and_watching_by_keyboard_alone(page: Page, client: unmask.Client):
    session = begin(page, client)
    steps(page, 3)
    position = int(page.locator('um-canvas [data-state="open"]').nth(4).get_attribute("data-position"))
    cell(page, position).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()

    def tab_to(target: str) -> None:
        for _ in range(60):
            if page.evaluate("target => document.activeElement.matches(target)", target):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached by Tab")

    tab_to('[data-testid="write"]')
    page.keyboard.type(" boat")
    page.keyboard.press("Escape")  # leaves the field, and nothing is lost
    expect(cell(page, position)).to_be_focused()
    expect(page.get_by_test_id("write")).to_have_value(" boat")
    tab_to('[data-testid="watch-switch"]')
    page.keyboard.press("Space")
    expect(page.get_by_test_id("watch")).to_have_count(1)
    tab_to('[data-testid="life-passage"]')
    page.keyboard.press("Enter")
    at_revision(page, runs_of(session, position)[0][0])
    tab_to('[data-testid="unwatch"]')
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("watch")).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")
    cell(page, position).focus()
    page.keyboard.press("Escape")
    expect(page.locator("[data-testid=inspector][data-position]")).to_have_count(0)
