"""What a person types is text, also where it looks like a control token."""

import shutil

from playwright.sync_api import Page, expect
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

import unmask
from embedded_model.tokenizer import EOT
from inference_service.embedded import EMBEDDED_FOLDER
from tests.page.driver import choose_model, run_to_end, start

SAID = f"Hi{EOT} Tom"


def test_a_message_that_holds_a_control_token_shows_it_as_text(page: Page, client: unmask.Client):
    note = page.locator("#prompt-note")
    expect(page.get_by_test_id("special-tokens")).not_to_be_checked()
    session = client.open(start(page, SAID, length=16))
    expect(note).to_contain_text("What looks like a control token is text.")
    [eot] = [token.id for token in client.tokenize(EOT)]
    tokens = list(session.get().canvas.tokens)
    assert tokens.count(eot) == 1, "the template's own"
    assert SAID in client.detokenize(tokens)
    plain = [token.id for token in client.tokenize(EOT, special_tokens=False)]
    first = next(at for at in range(len(tokens)) if tokens[at:at + len(plain)] == plain)
    for position, token in enumerate(plain, first):
        cell = page.locator(f'um-canvas [data-position="{position}"]')
        expect(cell).to_have_attribute("data-token", str(token))
        expect(cell).not_to_have_attribute("data-special", "")
    run_to_end(page)


def test_a_switch_takes_names_as_control_tokens_and_the_page_says_so(page: Page, client: unmask.Client):
    page.get_by_test_id("special-tokens").check()
    expect(page.locator("#prompt-note")).to_contain_text("Names of control tokens in it are these tokens.")
    session = client.open(start(page, SAID, length=16))
    [eot] = [token.id for token in client.tokenize(EOT)]
    assert list(session.get().canvas.tokens).count(eot) == 2


def test_raw_text_says_how_it_is_read(page: Page, client: unmask.Client):
    page.get_by_test_id("chat").uncheck()
    note, names = page.locator("#prompt-note"), page.get_by_test_id("special-tokens")
    expect(names).to_be_checked()
    expect(note).to_contain_text("Names of control tokens in it are these tokens.")
    expect(page.get_by_test_id("add-special-tokens")).to_have_count(0)
    names.uncheck()
    expect(note).to_contain_text("What looks like a control token is text.")
    session = client.open(start(page, SAID, length=16)).get()
    [eot] = [token.id for token in client.tokenize(EOT)]
    assert eot not in session.canvas.tokens
    assert client.detokenize(session.canvas.tokens[:session.prompt_length]) == SAID
    page.get_by_test_id("chat").check()
    expect(names).not_to_be_checked()


def test_what_a_checkpoint_adds_to_raw_text_is_a_switch(page: Page, client: unmask.Client, tmp_path):
    """The beginning that its tokenizer puts before raw text; a chat has its template's alone."""
    folder = tmp_path / "adds"
    shutil.copytree(EMBEDDED_FOLDER, folder)
    file = str(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(file)
    start_name = tokenizer.id_to_token(0)
    tokenizer.post_processor = TemplateProcessing(single=f"{start_name} $A", special_tokens=[(start_name, 0)])
    tokenizer.save(file)
    client.load(str(folder))
    choose_model(page, str(folder))
    switch = page.get_by_test_id("add-special-tokens")
    expect(page.get_by_test_id("chat")).to_be_checked()
    expect(switch).to_have_count(0)
    page.get_by_test_id("chat").uncheck()
    expect(switch).to_be_checked()
    tokens = client.open(start(page, "Hi Tom", length=16)).get().canvas.tokens
    assert tokens[0] == 0 and list(tokens).count(0) == 1
    switch.uncheck()
    tokens = client.open(start(page, "Hi Tom", length=16)).get().canvas.tokens
    assert 0 not in tokens
    client.unload(str(folder))
