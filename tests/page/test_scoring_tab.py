"""The sheet where texts are scored and restored: its numbers are those that a direct client is told."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import unmask

PROMPT = "What is 2 + 3?"
ANSWER = "2 + 3 is 5. I like sums."
TEXTS = ["Tom had a red kite. He went to the park.", "One day Ann saw a big dog."]


def sheet(page: Page, tab: str) -> None:
    page.get_by_test_id("score-and-recover").click()
    page.get_by_test_id("inspection-tab").locator(f'[data-value="{tab}"]').click()


def number(page: Page, testid: str) -> float:
    return float(page.get_by_test_id(testid).inner_text().replace("−", "-").replace("±", ""))


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.get_by_test_id(f"score-{name}").fill(value)


def test_a_score_is_what_a_client_is_told_and_the_form_outlasts_a_reload(page: Page, client: unmask.Client):
    sheet(page, "score")
    fill(page, prompt=PROMPT, answer=ANSWER, samples="96", seed="5")
    page.get_by_test_id("score-run").click()
    expect(page.get_by_test_id("score-result")).to_have_attribute("data-done", "96")
    told = client.score(ANSWER, prompt=PROMPT, samples=96, seed=5)
    assert number(page, "score-value") == pytest.approx(told.log_likelihood, abs=6e-4)
    assert number(page, "score-error") == pytest.approx(told.standard_error, abs=6e-4)
    expect(page.get_by_test_id("score-plot")).to_be_visible()
    # What the server refuses is said at its field, and nothing typed is lost.
    page.get_by_test_id("score-exact").check()
    page.get_by_test_id("score-run").click()
    expect(page.locator("#score-exact-problem")).to_contain_text("Must be off for more than 12 tokens")
    page.reload()
    page.get_by_test_id("score-and-recover").click()
    expect(page.get_by_test_id("score-answer")).to_have_value(ANSWER)
    expect(page.get_by_test_id("score-exact")).to_be_checked()
    fill(page, answer="5 is", prompt="")
    page.get_by_test_id("score-run").click()
    expect(page.get_by_test_id("score-result")).to_contain_text("exact")
    told = client.score("5 is", exact=True)
    assert number(page, "score-value") == pytest.approx(told.log_likelihood, abs=6e-4)


def test_a_model_that_reads_from_left_to_right_tells_each_token(page: Page, client: unmask.Client):
    client.load("embedded-causal")
    sheet(page, "score")
    page.get_by_test_id("score-model").select_option("embedded-causal")
    fill(page, prompt=PROMPT, answer=ANSWER)
    page.get_by_test_id("score-run").click()
    told = client.score(ANSWER, prompt=PROMPT, model="embedded-causal")
    bars = page.get_by_test_id("score-tokens").locator("li .number")
    expect(bars).to_have_count(len(told.tokens))
    shown = [float(text.replace("−", "-")) for text in bars.all_inner_texts()]
    assert shown == pytest.approx(list(told.token_log_likelihoods), abs=6e-4)
    assert number(page, "score-value") == pytest.approx(sum(told.token_log_likelihoods), abs=2e-3)


def test_a_long_estimate_can_be_stopped_where_it_is(page: Page):
    sheet(page, "score")
    fill(page, prompt=PROMPT, answer=ANSWER, samples="100000")
    page.get_by_test_id("score-run").click()
    expect(page.get_by_test_id("score-error")).to_be_visible()
    page.get_by_test_id("score-cancel").click()
    expect(page.get_by_test_id("score-result")).to_contain_text("stopped at")
    expect(page.get_by_test_id("score-run")).to_be_focused()


def test_restored_texts_their_totals_and_the_table_are_what_a_client_is_told(page: Page, client: unmask.Client,
                                                                             tmp_path: Path):
    page.get_by_test_id("seed").fill("3")
    sheet(page, "recover")
    page.get_by_test_id("recover-run").click()
    expect(page.locator("#recover-texts-problem")).to_have_text("Write at least one text.")
    page.get_by_test_id("recover-texts").fill("\n".join(TEXTS))
    page.get_by_test_id("recover-corruption").select_option("sticky")
    page.get_by_test_id("recover-rounds").fill("4")
    page.get_by_test_id("recover-run").click()
    expect(page.get_by_test_id("recover-run")).to_be_visible()
    expect(page.get_by_test_id("recover-result")).to_have_attribute("data-done", "2")
    told = client.recover(TEXTS, corruption="sticky", rounds=4, seed=3)
    for text in told.texts:
        shown = page.get_by_test_id("restored").locator(f'[data-index="{text.index}"]')
        expect(shown.locator('[data-kind="right"]')).to_have_count(text.right)
        expect(shown.locator('[data-kind="wrong"]')).to_have_count(len(text.masked) - text.right)
    cells = page.get_by_test_id("recover-totals").locator("tbody tr td").all_inner_texts()
    assert cells[:3] == [str(number) for number in (told.totals[0].texts, told.totals[0].masked, told.totals[0].right)]
    with page.expect_download() as download:
        page.get_by_test_id("recover-csv").click()
    download.value.save_as(tmp_path / "recovered.csv")
    with open(tmp_path / "recovered.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    own = list(csv.DictReader(told.csv().splitlines()))
    assert [list(row) for row in rows] == [list(row) for row in own]
    for row, expected in zip(rows, own, strict=True):
        assert row.pop("corruption") == expected.pop("corruption")
        assert row.pop("model") == expected.pop("model")
        assert list(map(float, row.values())) == pytest.approx(list(map(float, expected.values())))
