"""The model switched off: what a hand does goes on, and nothing is asked of the model."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, cell, start, steps

ASKING = re.compile(rb"SessionService/(Predict|Step|Propose|Reprocess|GetCandidates)")


def test_a_model_switched_off_is_asked_nothing_until_it_is_on_again(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    steps(page, 1)
    calls: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda sent: calls.append(
        sent if isinstance(sent, bytes) else sent.encode())))
    switch = page.get_by_test_id("model-switch")
    page.keyboard.press("o")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).to_contain_text("Model off")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    page.reload()
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    expect(switch).to_have_attribute("aria-checked", "false")
    at_revision(page, 1, 1)
    for control in ("step", "run"):
        expect(page.get_by_test_id(control)).to_be_disabled()
        expect(page.get_by_test_id(control)).to_have_attribute("title", "The model is off: switch it on to step (O).")
    page.keyboard.press("s")
    expect(page.get_by_test_id("refused")).to_have_text("The model is off: switch it on to step (O).")

    # What a hand does goes on, in every view, and the model says nothing to it.
    position = session.prompt_length + 9
    for view in ("um-rows", "um-grid", ".listbox"):
        page.keyboard.press("v")
        page.locator(view).wait_for()
    cell(page, position).click()
    expect(page.get_by_test_id("inspector")).to_contain_text("The model is off")
    page.get_by_test_id("write").fill(" kite")
    page.keyboard.press("Enter")
    at_revision(page, 2, 2)
    cell(page, position).focus()
    page.keyboard.press("l")
    at_revision(page, 3, 3)
    page.keyboard.press("m")
    at_revision(page, 4, 4)
    page.get_by_test_id("undo").click()
    at_revision(page, 5, 5)
    page.keyboard.press("[")
    at_revision(page, 4, 5)
    page.get_by_test_id("timeline").press("End")
    at_revision(page, 5, 5)
    page.wait_for_timeout(400)  # longer than any part of the page rests before it asks
    assert any(b"SessionService/Edit" in call for call in calls)
    assert [call for call in calls if ASKING.search(call)] == []
    assert all(frame.summary.forward_count == 0 for frame in session.history()[2:])

    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(page.locator('um-canvas [data-state="open"][data-ghost]').first).to_be_visible()
    expect(page.get_by_test_id("step")).to_be_enabled()
    page.wait_for_function("() => document.querySelector('[data-testid=step]').title.includes('One forward pass')")
    assert any(b"SessionService/Predict" in call for call in calls)
