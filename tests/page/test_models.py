"""The model panel, conversations and earlier sessions in a real browser, on the real stack."""

from time import monotonic

import pytest
from playwright.sync_api import Page, expect
from safetensors.torch import load_file, save_file

import unmask
from tests.models.tiny_checkpoints import write_causal_checkpoint, write_checkpoint, write_tokenizer
from tests.page.driver import session_of, start, steps
from tests.patience import PATIENCE
from unmask.v1 import session_pb2
from unmask.v1.model_service_pb2 import Model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A second model: random weights in enough pieces that loading them can be seen."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_checkpoint(folder, shards=8, n_layers=48, mask_token_id=260, eos_token_id=256, pad_token_id=256)
    return write_tokenizer(folder)


def unfold(page: Page) -> None:
    page.get_by_test_id("model-line").click()
    expect(page.get_by_test_id("models").locator("li").first).to_be_visible()


def row(page: Page, name: object):
    return page.get_by_test_id("models").locator(f'[data-model="{name}"]')


def prompt_of(session: unmask.Session) -> list[int]:
    return list(session.get(0).canvas.tokens[:session.prompt_length])


def test_a_model_loaded_by_its_folder_shows_its_progress_and_starts_the_next_session(page: Page, client, tiny):
    first = start(page)
    unfold(page)
    expect(page.get_by_test_id("model-facts")).to_contain_text("<|mdm_mask|>")
    page.evaluate("""() => {
        window.phases = [];
        const look = () => {
            const load = document.querySelector('[data-testid="load-progress"]');
            if (load) window.phases.push([load.dataset.phase, load.querySelector('[role=progressbar]').ariaValueNow]);
        };
        const panel = document.querySelector('um-model');
        new MutationObserver(look).observe(panel, {subtree: true, childList: true, attributes: true});
    }""")
    page.get_by_test_id("load-name").fill(str(tiny))
    page.get_by_test_id("load-name").press("Enter")
    expect(row(page, tiny)).to_have_attribute("aria-pressed", "true")
    expect(row(page, "embedded")).to_have_attribute("aria-pressed", "false")
    phases = page.evaluate("window.phases")
    assert phases[0][0] == "inspecting"
    assert any(phase == "loading" and percent is not None for phase, percent in phases), phases

    # The session in view stays the other model's, and the page says so.
    expect(page.get_by_test_id("model-note")).to_contain_text("Start takes tiny")
    expect(page.get_by_test_id("model")).to_contain_text("embedded")
    facts = page.get_by_test_id("model-facts")
    expect(facts).to_contain_text("260 <|mdm_mask|>")
    expect(facts).to_contain_text("300 ids")
    steps(page, 1)
    assert client.open(first).get().model == "embedded"

    second = start(page, prompt="Hi", length=8)
    expect(page.get_by_test_id("model-note")).to_be_hidden()
    expect(page.get_by_test_id("model")).to_contain_text("tiny")
    assert second != first
    assert client.open(second).get().model == str(tiny)
    steps(page, 1)

    # A reload finds both again: the session with its model, and the choice.
    page.reload()
    expect(page.locator("um-canvas [data-position]").first).to_be_visible()
    expect(page.get_by_test_id("model")).to_contain_text("tiny")
    expect(page.get_by_test_id("model-line")).to_contain_text("tiny")


def test_a_load_is_cancelled_on_its_way_and_can_be_asked_for_again(page: Page, client, tmp_path):
    folder = write_checkpoint(tmp_path / "slow", shards=16, n_layers=500, mask_token_id=260)
    unfold(page)
    page.get_by_test_id("load-name").fill(str(folder))
    page.get_by_test_id("load").click()
    expect(page.locator('[data-testid="load-progress"][data-phase="loading"]')).to_be_visible()
    page.get_by_test_id("load-cancel").click()
    expect(page.get_by_test_id("model-note")).to_contain_text("Loading slow was cancelled.")
    expect(page.get_by_test_id("load-progress")).to_have_count(0)
    expect(page.get_by_test_id("load-name")).to_have_value(str(folder))
    expect(page.get_by_test_id("load")).to_have_attribute("aria-disabled", "false")
    expect(page.get_by_test_id("model-line")).to_contain_text("embedded")
    # The server comes out of it at its next tensor, and is free to load again.
    end = monotonic() + PATIENCE
    while monotonic() < end:
        try:
            client.load("/nowhere")
        except unmask.errors.Conflict:
            page.wait_for_timeout(50)
        except unmask.errors.NotFound:
            break
    else:
        raise AssertionError("the load goes on")
    assert str(folder) not in [model.name for model in client.models()]


def test_a_folder_that_is_not_there_is_told_at_its_field_and_what_was_typed_stays(page: Page):
    unfold(page)
    page.get_by_test_id("load-name").fill("/nowhere/at/all")
    page.get_by_test_id("load").click()
    error = page.get_by_test_id("error")
    expect(error).to_contain_text("/nowhere/at/all")
    expect(error).to_contain_text("a hub id such as org/name")
    field = page.get_by_test_id("load-name")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("/nowhere/at/all")
    expect(page.locator("#load-name-problem")).to_contain_text("there is no folder")
    expect(row(page, "embedded")).to_have_attribute("aria-pressed", "true")
    field.press("End")
    field.press("Backspace")
    expect(field).not_to_have_attribute("aria-invalid", "true")


def settle(page: Page, note: str) -> None:
    expect(page.get_by_test_id("model-note")).to_contain_text(note)


def test_the_panel_unloads_a_model_and_brings_it_back(page: Page, client, tiny):
    client.load(str(tiny))
    unfold(page)
    row(page, tiny).click()
    expect(page.get_by_test_id("model-line")).to_contain_text("tiny")
    session = start(page, prompt="Hi", length=8)
    steps(page, 1)
    facts = page.get_by_test_id("model-facts")
    weights = client.model(str(tiny)).weights[-16:]
    for told in ("llada", "256 <|endoftext|>", "every pass reads the whole text", weights):
        expect(facts).to_contain_text(told)
    page.get_by_test_id("unload").click()
    settle(page, "tiny is not in the server's memory any more.")
    expect(row(page, tiny)).to_contain_text("not loaded: load")
    expect(facts).to_have_count(0)
    expect(page.get_by_test_id("step")).to_be_disabled()
    assert client.model(str(tiny)).state == Model.STATE_UNLOADED

    # It is not woken by the session in view; a press of its row brings it back, and the session goes on.
    row(page, tiny).click()
    expect(facts).to_be_visible()
    expect(page.get_by_test_id("step")).to_be_enabled()
    steps(page, 1)
    assert client.open(session).get().head_revision == 2
    page.get_by_test_id("reload").click()
    settle(page, "tiny is loaded.")
    expect(page.get_by_test_id("step")).to_be_enabled()


def test_files_that_changed_are_said_and_read_again(page: Page, client, tmp_path):
    folder = write_tokenizer(write_checkpoint(tmp_path / "moving", mask_token_id=260, eos_token_id=256))
    client.load(str(folder))
    unfold(page)
    row(page, folder).click()
    start(page, prompt="Hi", length=8)
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight * 1.5 for name, weight in weights.items()}, folder / "new", metadata={"format": "pt"})
    (folder / "new").replace(folder / "model.safetensors")
    line = page.get_by_test_id("model-line")
    line.click()
    line.click()  # unfolded again, the list is read anew
    settle(page, "The files of moving have changed since it was loaded.")
    expect(row(page, folder)).to_contain_text("its files have changed")
    expect(page.get_by_test_id("step")).to_be_enabled()
    page.get_by_test_id("reload").click()
    settle(page, "The session was made with other weights of moving")
    expect(row(page, folder)).to_contain_text("ready")
    expect(page.get_by_test_id("step")).to_be_disabled()
    start(page, prompt="Hi", length=8)
    expect(page.get_by_test_id("model-note")).to_be_hidden()
    steps(page, 1)
    client.unload(str(folder))


def test_a_weight_that_is_no_number_is_told_by_its_name(page: Page, tmp_path):
    folder = write_checkpoint(tmp_path / "broken", mask_token_id=260)
    weights = load_file(folder / "model.safetensors")
    weights["model.transformer.blocks.1.up_proj.weight"][3, 4] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    unfold(page)
    page.get_by_test_id("load-name").fill(str(folder))
    page.get_by_test_id("load").click()
    told = "model.transformer.blocks.1.up_proj.weight holds a number that is infinite or not a number in float32"
    expect(page.get_by_test_id("error")).to_contain_text(told)
    expect(page.locator("#load-name-problem")).to_contain_text(told)
    expect(page.get_by_test_id("model-line")).to_contain_text("embedded")


def test_the_family_is_chosen_where_its_marks_leave_it_open(page: Page, client, tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path / "marked", "llama", written={"mask_token_id": 96})
    unfold(page)
    page.get_by_test_id("load-name").fill(str(folder))
    page.get_by_test_id("load").click()
    expect(page.get_by_test_id("error")).to_contain_text("looks like a diffusion model")
    expect(page.locator("#load-family-problem")).to_contain_text("must be given: one of")
    choice = page.get_by_test_id("load-family")
    expect(choice).to_have_attribute("aria-invalid", "true")
    choice.select_option("causal")
    expect(choice).not_to_have_attribute("aria-invalid", "true")
    page.get_by_test_id("load").click()
    expect(row(page, folder)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("model-facts")).to_contain_text("Familycausal")
    assert client.model(str(folder)).family == "causal"


def test_the_keyboard_alone_opens_the_panel_and_takes_another_model(page: Page, client, tiny):
    client.load(str(tiny))
    line = page.get_by_test_id("model-line")
    line.focus()
    page.keyboard.press("Enter")
    expect(row(page, tiny)).to_be_visible()
    for _ in range(20):  # past the others, which tests before this one may have loaded
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.model") == str(tiny):
            break
    page.keyboard.press("Space")
    expect(row(page, tiny)).to_have_attribute("aria-pressed", "true")
    expect(row(page, tiny)).to_be_focused()
    expect(line).to_contain_text("tiny")
    page.get_by_test_id("prompt").fill("Hi")
    page.get_by_test_id("length").fill("8")
    page.get_by_test_id("prompt").press("Control+Enter")
    expect(page.locator('um-canvas [data-position][data-state="open"]')).to_have_count(8)
    assert client.open(session_of(page)).get().model == str(tiny)


def test_a_conversation_is_what_a_direct_client_says(page: Page, client):
    expect(page.get_by_test_id("system")).to_be_hidden()
    page.get_by_test_id("earlier").click()
    page.get_by_test_id("system").fill("Answer in one sentence.")
    page.get_by_test_id("add-turn").click()
    page.get_by_test_id("turn-0-user").fill("Ann has a blue ball. What does Ann have?")
    expect(page.get_by_test_id("start")).to_have_attribute("aria-disabled", "true")  # half a turn is none
    expect(page.locator("#turn-0-problem")).to_have_text("Turn 1 has no answer.")
    page.get_by_test_id("turn-0-assistant").fill("Ann has a blue ball.")
    session = client.open(start(page, prompt="What colour is it?", length=8))
    messages = [{"role": "system", "content": "Answer in one sentence."},
                {"role": "user", "content": "Ann has a blue ball. What does Ann have?"},
                {"role": "assistant", "content": "Ann has a blue ball."},
                {"role": "user", "content": "What colour is it?"}]
    assert prompt_of(session) == prompt_of(client.create(messages, length=8, seed=7))
    # Folded, it still says that there is more than the prompt; a reload keeps it.
    page.get_by_test_id("earlier").click()
    page.reload()
    expect(page.get_by_test_id("earlier")).to_contain_text("system message, 1 turn")
    # Raw text leaves it all out.
    page.locator("label.switch", has_text="Chat").click()
    raw = client.open(start(page, prompt="23+45=[[mask:2]]", length=4))
    assert prompt_of(raw) == prompt_of(client.create("23+45=[[mask:2]]", raw=True, length=4, seed=7))


def test_back_returns_to_the_earlier_session_and_forward_to_the_later(page: Page, client):
    first = start(page, length=8)
    second = start(page, length=9)
    assert first != second
    page.go_back()
    expect(page.locator('um-canvas [data-position][data-state="open"]')).to_have_count(8)
    assert session_of(page) == first
    page.go_forward()
    expect(page.locator('um-canvas [data-position][data-state="open"]')).to_have_count(9)
    assert session_of(page) == second
    # Back to one that is gone says so, and what is shown stays.
    client.open(first).delete()
    page.go_back()
    expect(page.get_by_test_id("error")).to_contain_text("Opening the session")
    expect(page.locator('um-canvas [data-position][data-state="open"]')).to_have_count(9)
    page.wait_for_function("id => location.hash.includes(id)", arg=second)


def test_earlier_sessions_are_listed_by_page_opened_and_deleted_on_a_second_press(page: Page, client):
    for number in range(13):
        client.create(f"Number {number} of many", length=4, raw=True)
    shown = start(page, prompt="The one in view", length=6)
    page.get_by_test_id("sessions").click()
    listed = page.get_by_test_id("session-list").locator("li")
    expect(listed).to_have_count(12)
    expect(listed.first).to_contain_text("The one in view")
    expect(listed.first).to_contain_text("1 revision, 6 open")
    expect(listed.first.locator(".session-go")).to_have_attribute("aria-current", "true")
    page.get_by_test_id("sessions-more").click()
    expect(page.get_by_test_id("session-list").locator("li", has_text="Number 0 of many")).to_be_visible()
    ids = [item.get_attribute("data-session-id") for item in listed.all()]
    assert len(ids) == len(set(ids)) > 12

    # The first press only asks, with the calm answer in hand.
    listed.first.locator(".session-delete").click()
    expect(listed.first).to_contain_text("its one revision are lost")
    expect(listed.first.get_by_role("button", name="Keep it")).to_be_focused()
    assert session_pb2.Session.STATE_IDLE == client.open(shown).get().state
    page.get_by_test_id("session-delete").click()
    expect(page.locator(f'[data-session-id="{shown}"]')).to_have_count(0)
    with pytest.raises(unmask.errors.NotFound):
        client.open(shown)
    other = page.get_by_test_id("session-list").locator("li", has_text="Number 12 of many")
    other.locator(".session-go").click()
    expect(page.locator('um-canvas [data-position][data-state="open"]')).to_have_count(4)
    assert session_of(page) == other.get_attribute("data-session-id")
    expect(page.get_by_test_id("sessions")).to_be_visible()


def test_a_link_names_the_model_and_carries_the_conversation(page: Page, client, tiny, stack):
    client.load(str(tiny))
    unfold(page)
    row(page, tiny).click()
    expect(page.get_by_test_id("model-line")).to_contain_text("tiny")
    page.get_by_role("button", name="Conversation", exact=True).click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_test_id("takeaway").click()
    page.get_by_test_id("copy-link").click()
    expect(page.get_by_test_id("news").last).to_contain_text("The link is copied")
    link = page.evaluate("navigator.clipboard.readText()")
    fresh = page.context.browser.new_context()
    other = fresh.new_page()
    other.goto(link)
    expect(other.get_by_test_id("model-line")).to_contain_text("tiny")
    expect(other.get_by_test_id("earlier")).to_contain_text("system message, 1 turn")
    expect(other.get_by_test_id("prompt")).to_have_value("What does Tom have?")
    fresh.close()
