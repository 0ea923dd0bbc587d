"""Why a token is there: what the page shows is what a direct client is told, by pointer and by keyboard."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import cell, run_to_end, start

WORDS = "um-canvas [data-position][data-state=committed]:not([data-special])"


def look_at_a_word(page: Page, nth: int = 6) -> int:
    """Looks at a committed token with the question unfolded; its position."""
    found = page.locator(WORDS).nth(nth)
    position = int(found.get_attribute("data-position"))
    cell(page, position).click()
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()
    if page.get_by_test_id("why").get_attribute("open") is None:
        page.get_by_test_id("why").locator("summary").click()
    return position


def ask(page: Page, method: str = "ablation") -> None:
    page.get_by_test_id("why-method").select_option(method)
    page.get_by_test_id("why-ask").click()
    expect(page.get_by_test_id("why-answer")).to_be_visible()


def asked(page: Page) -> list[str]:
    """Session, revision, position, token and contrast of the answer in view."""
    return page.get_by_test_id("why-answer").get_attribute("data-key").split(" ")


def test_the_scores_are_those_that_a_client_is_told(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    run_to_end(page)
    position = look_at_a_word(page)
    ask(page)
    _, revision, place, token, *_ = asked(page)
    assert (int(place), int(token)) == (position, int(cell(page, position).get_attribute("data-token")))
    told = session.attribute(int(place), int(token), revision=int(revision))
    assert told.cached, "the very same was asked on the page"
    most = max(abs(score.score) for score in told.scores)
    for score in told.scores:
        # As the canvas shades it, and as it is listed.
        share = cell(page, score.position).get_attribute("data-share")
        assert abs(int(share or 0) - 20 * abs(score.score) / most) <= 0.51
        side = cell(page, score.position).get_attribute("data-side")
        assert side == (None if share is None else "for" if score.score > 0 else "against")
    largest = max(told.scores, key=lambda score: abs(score.score))
    first = page.get_by_test_id("why-sources").locator("button").first
    assert first.get_attribute("data-position") == str(largest.position)
    shown = first.locator(".number").last.inner_text().replace("−", "-")
    assert abs(float(shown) - largest.score) <= max(0.0051, abs(largest.score) / 2 * 0.11)
    expect(cell(page, largest.position)).to_have_attribute("title", re.compile("^spoke (for|against) it, "))
    expect(cell(page, position)).to_have_attribute("aria-label", re.compile("explained by the others"))
    expect(page.get_by_test_id("lens")).to_have_value("why")
    # A press goes to the source; Escape gives the colours before back, and the method outlasts a reload.
    first.click()
    expect(cell(page, largest.position)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("lens")).to_have_value("confidence")
    expect(page.locator("um-canvas [data-side]")).to_have_count(0)
    ask(page, "saliency")
    page.reload()
    expect(page.get_by_test_id("why-method")).to_have_value("saliency")


def test_as_i_look_it_is_asked_of_what_the_pointer_or_the_focus_rests_on(page: Page):
    start(page, length=24)
    run_to_end(page)
    own = look_at_a_word(page)
    ask(page, "attention")
    expect(page.locator("#why-about")).to_have_text("Shows where the model looked, not why it chose.")
    page.get_by_test_id("why-live").check()
    answer = page.get_by_test_id("why-answer")
    other = page.locator(WORDS).nth(2)
    hovered = int(other.get_attribute("data-position"))
    other.hover()
    expect(answer).to_have_attribute("data-key", re.compile(rf"^\S+ \d+ {hovered} "))
    page.mouse.move(5, 5)
    expect(answer).to_have_attribute("data-key", re.compile(rf"^\S+ \d+ {own} "))
    cell(page, hovered).focus()
    page.keyboard.press("ArrowRight")
    expect(answer).to_have_attribute("data-key", re.compile(rf"^\S+ \d+ {hovered + 1} "))
    # A candidate, too: why another token would stand there.
    row = page.get_by_test_id("candidates").locator("li").nth(2)
    row.locator(".choose").focus()
    expect(answer).to_have_attribute("data-token", row.get_attribute("data-token"))
    expect(answer).to_have_attribute("data-key", re.compile(rf"^\S+ \d+ {own} "))


def test_why_one_token_and_not_another_is_the_opposite_the_other_way_round(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    run_to_end(page)
    position = look_at_a_word(page)
    token = int(cell(page, position).get_attribute("data-token"))
    page.get_by_test_id("why-contrast").select_option(index=1)
    contrast = int(page.get_by_test_id("why-contrast").input_value())
    ask(page)
    _, revision, place, *_ = asked(page)
    told = session.attribute(int(place), token, contrast, revision=int(revision))
    assert told.cached
    expect(page.get_by_test_id("why-target")).to_have_text(re.compile(rf"^ln p apart by \+?−?{abs(told.target):.2f}$"))
    before = page.get_by_test_id("why-target").inner_text()
    page.get_by_test_id("why-swap").click()
    page.get_by_test_id("why-ask").click()
    expect(page.get_by_test_id("why-answer")).to_have_attribute("data-token", str(contrast))
    turned = before.translate(str.maketrans("+−", "−+"))
    expect(page.get_by_test_id("why-target")).to_have_text(turned)
    assert asked(page)[3:5] == [str(contrast), str(token)]


def test_it_can_be_cancelled_and_nothing_is_asked_while_the_model_is_off(page: Page):
    start(page, length=160)
    run_to_end(page)
    look_at_a_word(page, nth=0)
    page.get_by_test_id("why-method").select_option("integrated_gradients")
    page.get_by_test_id("why-ask").click()
    page.get_by_test_id("why-cancel").click()
    expect(page.get_by_test_id("why-ask")).to_have_text("Ask")
    expect(page.get_by_test_id("why-answer")).to_have_count(0)
    # The model is free again, for a quicker question too.
    ask(page, "attention")
    page.get_by_test_id("model-switch").click()
    page.get_by_test_id("why-method").select_option("saliency")
    expect(page.get_by_test_id("why-ask")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_test_id("why-off")).to_have_text("The model is off: switch it on to ask why (O).")
    page.get_by_test_id("why-ask").focus()
    page.keyboard.press("Enter")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    expect(page.get_by_test_id("why-ask")).to_be_focused()  # asking would put a Cancel in its place
    expect(page.get_by_test_id("why-answer")).to_have_count(0)
