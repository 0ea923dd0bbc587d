"""Constraints on the page: typed in the settings, in force on the canvas, checked against a direct client."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import (
    at_revision,
    canvas_of,
    choose_model,
    constrain,
    go_to,
    open_cell,
    run_to_end,
    shown_canvas,
    start,
    steps,
)
from tests.page.test_takeaway import copied, made_by, run_as_pasted, send_as_pasted
from unmask.v1 import session_service_pb2 as pb

SUM = "What is 12+34?"
BARRED = "The constraint does not let this token stand here"


@pytest.fixture
def page(page: Page) -> Page:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def test_a_constraint_is_quiet_until_it_is_wanted_and_in_force_it_is_seen(
        page: Page, stack, client: unmask.Client, tmp_path):
    expect(page.get_by_test_id("constraint-words")).to_have_text("No constraint")
    expect(page.get_by_test_id("constraint-kind")).to_be_hidden()
    choose_model(page, "embedded-causal")
    constrain(page, "regex")
    expect(page.get_by_test_id("constraint-pattern")).to_have_value("[0-9]+")
    session = client.open(start(page, SUM, length=12, seed=3))
    chip = page.get_by_test_id("constraint-chip")
    expect(chip).to_contain_text("[0-9]+")
    steps(page, 2)
    expect(chip).to_contain_text("a match; more may follow")
    open_cell(page).click()
    position = session.prompt_length + 2
    weighed = client._sessions.GetCandidates(pb.GetCandidatesRequest(
        session_id=session.id, revision=2, positions=[position], count=10)).candidates[0]
    barred = [candidate.token for candidate in weighed.candidates if candidate.invalid]
    assert barred and len(barred) <= 10
    rows = page.get_by_test_id("candidates").locator("li")
    expect(rows).to_have_count(len(weighed.candidates))
    assert page.get_by_test_id("candidates").locator("li[data-invalid]").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.token))") == barred
    size = client.model("embedded-causal").vocabulary_size
    expect(page.get_by_test_id("valid-count")).to_have_text(f"{weighed.valid_count} of {size} tokens may stand here")
    # By a sign and in words, and no way to have it.
    refused = page.get_by_test_id("candidates").locator("li[data-invalid] .choose").first
    expect(refused.locator(".not-allowed svg")).to_be_visible()
    expect(refused).to_contain_text(BARRED)
    expect(refused).to_have_attribute("title", f"{BARRED}.")
    expect(refused).to_have_attribute("aria-disabled", "true")
    refused.click(force=True)
    page.get_by_test_id("mode").locator('[data-value="rows"]').click()
    expect(page.locator("um-rows .candidate-card[data-invalid] .not-allowed svg").first).to_be_visible()
    page.get_by_test_id("mode").locator('[data-value="reading"]').click()
    at_revision(page, 2, 2)
    run_to_end(page)
    expect(chip).to_contain_text("a complete match")
    assert re.fullmatch("[0-9]+", session.text)
    for what, make, told in (("copy-python", run_as_pasted, (stack.grpc, tmp_path)),
                             ("copy-json", send_as_pasted, (stack.page.replace("http", "ws") + "ws",))):
        again = made_by(client, make, copied(page, what), *told)[0]
        assert canvas_of(again.get()) == shown_canvas(page)
        assert again.get().settings.constraint.regex == "[0-9]+"


def test_what_is_wrong_points_into_the_pattern_and_nothing_typed_is_lost(page: Page):
    wrong = 'start: word\nword: "a" | )'
    constrain(page, "choice", "red\nblue")
    constrain(page, "grammar", wrong)
    expect(page.get_by_test_id("exactness")).to_have_text(re.compile("^Sound"))
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("constraint-problem")).to_contain_text("Line 2, column")
    pointed, caret = page.get_by_test_id("constraint-pointed").inner_text().split("\n")
    assert pointed == wrong.split("\n")[1]
    column = int(re.search(r"column (\d+)", page.get_by_test_id("constraint-problem").inner_text())[1])
    assert caret.index("^") == column - 1
    expect(page.get_by_test_id("constraint-pattern")).to_have_value(wrong)
    expect(page.locator("um-canvas [data-position]")).to_have_count(0)
    constrain(page, "choice")
    expect(page.get_by_test_id("constraint-pattern")).to_have_value("red\nblue")
    expect(page.get_by_test_id("constraint-problem")).to_have_count(0)
    link = copied(page, "copy-link")
    page.reload()
    constrain(page, "grammar")
    expect(page.get_by_test_id("constraint-pattern")).to_have_value(wrong)
    constrain(page, "")
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_test_id("constraint-words")).to_have_text("One of some texts: red blue")
    constrain(page, "choice", "")
    expect(page.get_by_test_id("constraint-problem")).to_contain_text("at least one text")
    expect(page.get_by_test_id("start")).to_have_attribute("aria-disabled", "true")


def test_a_diffusion_model_keeps_to_it_and_a_later_step_may_take_it_away(page: Page, client: unmask.Client):
    page.get_by_test_id("preset").select_option("Left to right")
    schema = {"type": "object", "properties": {"name": {"enum": ["Nora", "Tom"]}}, "required": ["name"],
              "additionalProperties": False}
    constrain(page, "json_schema", json.dumps(schema))
    session = client.open(start(page, "Tell me a story.", length=24, seed=3))
    assert json.loads(session.get(0).settings.constraint.json_schema) == schema
    run_to_end(page)
    expect(page.get_by_test_id("constraint-chip")).to_contain_text("a complete match")
    assert json.loads(session.text)["name"] in ("Nora", "Tom")
    last = session.revision
    constrain(page, "grammar", "start: (")
    go_to(page, 0)
    page.get_by_test_id("step").click()  # a step is refused as a start is
    expect(page.get_by_test_id("constraint-problem")).to_contain_text("Line 1")
    expect(page.get_by_test_id("constraint-change")).to_contain_text("in the place of")
    constrain(page, "")
    expect(page.get_by_test_id("constraint-change")).to_contain_text("takes away")
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("Home")
    page.get_by_test_id("step").click()
    at_revision(page, last + 1, last + 1)
    expect(page.get_by_test_id("constraint-chip")).to_have_count(0)
    assert session.get().settings.constraint.WhichOneof("kind") is None
