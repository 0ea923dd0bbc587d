"""What leaves the page and comes back: recordings, links, and programs that do it again."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import websocket
from google.protobuf import json_format
from PIL import Image
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import (
    STORY,
    at_revision,
    canvas_of,
    cell,
    go_to,
    run_to_end,
    session_of,
    shown_canvas,
    start,
    steps,
)
from tests.page.stack import PATIENCE
from unmask import recording
from unmask.v1.envelope_pb2 import ServerEnvelope
from unmask.v1.session_service_pb2 import CreateSessionResponse

ODD = "“é” & #=%+?\\ \"quoted\"\n\ttab 😀 ${x} </script>"


@pytest.fixture
def page(page: Page) -> Page:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def take(page: Page, what: str) -> None:
    page.get_by_test_id("takeaway").click()
    page.get_by_test_id(what).click()


def copied(page: Page, what: str) -> str:
    take(page, what)
    expect(page.get_by_test_id("news").filter(has_text="opied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    page.get_by_test_id("news").filter(has_text="opied").get_by_label("Dismiss").click()
    return text


def warm(page: Page) -> None:
    """Sets a temperature, so that the seed matters."""
    common = page.get_by_test_id("common")
    if common.get_attribute("open") is None:
        common.locator("summary").click()
    page.locator("#parameter-temperature").fill("0.9")


def branched(page: Page) -> str:
    """A story with an edit in the middle, and another one from before it, finished."""
    warm(page)
    page.get_by_test_id("words").fill("2:Sam")
    id = start(page, length=24, seed=11)
    steps(page, 3)
    cell(page, len(shown_canvas(page)) - 3).click()
    page.get_by_test_id("write").fill(" kite")
    page.keyboard.press("Enter")
    at_revision(page, 4, 4)
    page.get_by_test_id("step").click()
    at_revision(page, 5, 5)
    go_to(page, 2)
    page.get_by_test_id("step").click()
    at_revision(page, 6, 6)
    run_to_end(page)
    return id


def made_by(client: unmask.Client, make, *told) -> tuple[unmask.Session, str | None]:
    """The one session that came of a call, and what the call returned."""
    before = {session.id for session in client.sessions()}
    said = make(*told)
    [new] = [session.id for session in client.sessions() if session.id not in before]
    return client.open(new), said


def run_as_pasted(program: str, address: str, folder: Path) -> str:
    assert '"127.0.0.1:50051"' in program
    file = folder / "pasted.py"
    file.write_text(program.replace("127.0.0.1:50051", address), encoding="utf-8")
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def send_as_pasted(frames: str, address: str) -> None:
    """Each frame once the one before has its status; the first answer tells the session's id."""
    socket, id = websocket.create_connection(address, timeout=PATIENCE), "SESSION_ID"
    try:
        for frame in json.loads(frames):
            socket.send(json.dumps(frame).replace('"SESSION_ID"', json.dumps(id)))
            while True:
                told = json_format.Parse(socket.recv(), ServerEnvelope())
                if told.WhichOneof("event") == "status":
                    assert told.status.code == 0, told.status.message
                    break
                made = CreateSessionResponse()
                if told.message.Unpack(made):
                    id = made.session.id
    finally:
        socket.close()


def test_what_was_done_is_done_again_as_pasted(page: Page, stack, client: unmask.Client, tmp_path):
    session = client.open(branched(page))
    wanted = shown_canvas(page)
    assert wanted == canvas_of(session.get())
    for language in ("copy-python", "copy-grpc"):
        program = copied(page, language)
        assert "Tell me a story" in program and "Sam" in program
        again, said = made_by(client, run_as_pasted, program, stack.grpc, tmp_path)
        assert canvas_of(again.get()) == wanted
        assert again.revision == session.revision
        assert said == session.text + "\n"
    frames = copied(page, "copy-json")
    again, _ = made_by(client, send_as_pasted, frames, stack.page.replace("http", "ws") + "ws")
    assert canvas_of(again.get()) == wanted
    # Another seed tells another story: the same tokens are no accident.
    program = copied(page, "copy-python").replace("seed=11", "seed=12")
    other, _ = made_by(client, run_as_pasted, program, stack.grpc, tmp_path)
    assert canvas_of(other.get()) != wanted


def test_edits_of_every_kind_and_a_turn_are_copied(page: Page, stack, client: unmask.Client, tmp_path):
    session = client.open(start(page, length=16))
    list(session.step(3))
    at = session.prompt_length
    session.edit(unmask.edits.force(at, " Sam"), unmask.edits.protect(at), unmask.edits.insert(at + 2, 2),
                 unmask.edits.delete(at + 6, 1))
    session.edit(unmask.edits.replace(1, 1, " red blue"), unmask.edits.mask(at))
    session.edit(unmask.edits.replace(at - 1, 1, [5, 6, 7]))
    session.edit(unmask.edits.mask(2))
    session.edit(unmask.edits.unmask(2, earlier=True))
    session.undo()
    list(session.step())
    session.say("And then?", 8)
    list(session.step())
    page.reload()  # what was typed at the start is not known any more
    at_revision(page, session.revision)
    wanted = session.get()
    for language in ("copy-python", "copy-grpc"):
        program = copied(page, language)
        assert "not exactly" not in program
        again = made_by(client, run_as_pasted, program, stack.grpc, tmp_path)[0].get()
        assert canvas_of(again) == canvas_of(wanted)
        assert (again.prompt_length, again.canvas.by_hand, again.canvas.protected) == (
            wanted.prompt_length, wanted.canvas.by_hand, wanted.canvas.protected)


def test_every_sampler_is_copied(page: Page, stack, client: unmask.Client, tmp_path):
    session = client.open(start(page, length=12))
    wanted = []
    for sampler in client.model().samplers:
        list(session.step(1, from_revision=0, sampler=sampler.name, seed=3, temperature=0.9))
        given = session.prompt_length
        session.edit(unmask.edits.mask(given + 1))  # the one edit that the first part of a step allows
        list(session.step(4))
        wanted.append(session.revision)
    at_revision(page, session.revision, session.revision)
    program = copied(page, "copy-python")
    again, _ = made_by(client, run_as_pasted, program, stack.grpc, tmp_path)
    for revision in wanted:
        assert canvas_of(again.get(revision)) == canvas_of(session.get(revision)), revision


def test_a_recording_is_saved_and_opened(page: Page, client: unmask.Client, tmp_path):
    id = start(page, length=16)
    run_to_end(page)
    files = {}
    for form, item in (("binary", "recording"), ("json", "recording-json")):
        page.get_by_test_id("takeaway").click()
        with page.expect_download() as download:
            page.get_by_test_id(item).click()
        files[form] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[form])
        ours, theirs = recording.read(files[form].read_bytes()), recording.read(client.open(id).export(form))
        for one in (ours, theirs):
            one.ClearField("create_time")
        assert ours == theirs
    assert files["binary"].read_bytes()[:2] == b"\x1f\x8b" and files["json"].read_bytes()[:1] == b"{"
    wanted = shown_canvas(page)

    damaged = tmp_path / "damaged.unmask"
    damaged.write_bytes(files["binary"].read_bytes()[:-40])
    page.get_by_test_id("recording-file").set_input_files(damaged)
    expect(page.get_by_test_id("error")).to_contain_text("Opening damaged.unmask did not work. The file is damaged")
    expect(page.get_by_test_id("error")).to_contain_text("What is shown is as it was.")
    assert session_of(page) == id and shown_canvas(page) == wanted

    with page.expect_file_chooser() as chooser:
        take(page, "open-recording")
    chooser.value.set_files(files["json"])
    expect(page.get_by_test_id("news")).to_contain_text("The recording is open.")
    page.wait_for_function("id => !location.hash.includes(id)", arg=id)
    assert shown_canvas(page) == wanted
    assert canvas_of(client.open(session_of(page)).get()) == wanted
    list(client.open(session_of(page)).step(1, from_revision=3))  # the page follows it
    expect(page.get_by_test_id("revision")).not_to_have_text("")
    page.wait_for_function("() => document.querySelector('um-branches li[data-leaf]')")


def test_a_link_fills_the_form_and_can_be_undone(page: Page, stack):
    page.get_by_test_id("prompt").fill(ODD)
    page.get_by_test_id("length").fill("40")
    page.get_by_test_id("seed").fill("18446744073709551615")
    page.get_by_test_id("words").fill("0:Für, 5:upon")
    page.get_by_test_id("sampler").select_option("dream")
    warm(page)
    link = copied(page, "copy-link")
    assert link.startswith(stack.page + "#form=")

    other = page.context.browser.new_context()
    try:
        visitor = other.new_page()
        visitor.goto(link)
        news = visitor.get_by_test_id("news")
        expect(news).to_contain_text("The form was filled in by a link. Nothing was started.")
        expect(visitor.get_by_test_id("prompt")).to_have_value(ODD)
        expect(visitor.get_by_test_id("length")).to_have_value("40")
        expect(visitor.get_by_test_id("seed")).to_have_value("18446744073709551615")
        expect(visitor.get_by_test_id("words")).to_have_value("0:Für, 5:upon")
        expect(visitor.get_by_test_id("sampler")).to_have_value("dream")
        expect(visitor.locator("#parameter-temperature")).to_have_value("0.9")
        assert visitor.locator("um-canvas [data-position]").count() == 0
        assert visitor.evaluate("location.hash") == ""
        news.get_by_role("button", name="Undo").click()
        expect(visitor.get_by_test_id("prompt")).to_have_value(STORY)
        expect(visitor.get_by_test_id("seed")).to_have_value("1")
        expect(news).to_have_count(0)
        # Into a page that is open already, cut off.
        visitor.evaluate("link => (location.href = link.slice(0, -7))", link)
        expect(news).to_contain_text("The link could not be read.")
        expect(visitor.get_by_test_id("prompt")).to_have_value(STORY)
        # And one of another server, with what this one does not know.
        foreign = {"v": 1, "p": "Hi", "s": "dream", "t": {"nonsense": "1", "temperature": "900"}}
        visitor.evaluate("link => (location.hash = 'form=' + btoa(link))", json.dumps(foreign))
        expect(news.last).to_contain_text("nonsense")
        expect(news.last).to_contain_text("temperature = “900”")
        expect(visitor.get_by_test_id("prompt")).to_have_value("Hi")
        # Each link has its own way back, which other news do not push out.
        visitor.evaluate("location.hash = 'form=' + btoa(JSON.stringify({ v: 1, p: 'Ho' }))")
        expect(visitor.get_by_test_id("prompt")).to_have_value("Ho")
        undo = news.get_by_role("button", name="Undo")
        expect(undo).to_have_count(2)
        undo.last.click()
        expect(visitor.get_by_test_id("prompt")).to_have_value("Hi")
        undo.click()
        expect(visitor.get_by_test_id("prompt")).to_have_value(STORY)
    finally:
        other.close()


def test_the_menu_by_keyboard(page: Page):
    button, menu = page.get_by_test_id("takeaway"), page.get_by_role("menu")
    button.focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_test_id("save-page")).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    item = page.get_by_role("menuitem", name="Save as a page", exact=True)
    expect(item).to_have_attribute("aria-disabled", "true")
    expect(item).to_have_accessible_description("Start a session first.")
    page.keyboard.press("Enter")  # it stays: nothing could be done
    expect(item).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_test_id("see-tour")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("o")
    expect(menu.get_by_test_id("open-recording")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    expect(item).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(menu).to_be_hidden()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_test_id("see-tour")).to_be_focused()
    page.keyboard.press("Tab")
    expect(menu).to_be_hidden()
    button.click()
    page.mouse.click(600, 700)
    expect(menu).to_be_hidden()


def test_saving_a_page_is_given_up_midway_and_begun_again(page: Page, client: unmask.Client, tmp_path):
    held: list = []
    page.route_web_socket(re.compile(r"/ws$"), lambda near: join(near, held))
    page.reload()
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    start(page, length=8)
    run_to_end(page)
    downloads: list = []
    page.on("download", lambda download: downloads.append(download))
    held.append(True)
    take(page, "save-page")
    saving = page.get_by_test_id("saving")
    expect(saving).to_be_visible()
    page.get_by_test_id("cancel-saving").click()
    for send in held[1:]:
        send()
    held.clear()
    expect(saving).to_have_count(0)
    page.get_by_test_id("takeaway").click()
    with page.expect_download() as again:
        page.get_by_test_id("save-page").click()
    expect(page.get_by_test_id("news")).to_contain_text("The page is saved.")
    expect(page.get_by_test_id("error")).to_have_count(0)
    assert len(downloads) == 1 and again.value.suggested_filename.endswith(".html")


def join(near, held: list) -> None:
    """Holds back what the service says while the list is not empty."""
    far = near.connect_to_server()
    near.on_message(far.send)
    far.on_message(lambda message: held.append(lambda: near.send(message)) if held else near.send(message))


def test_a_gif_of_a_long_run_says_that_it_leaves_some_out(page: Page, client: unmask.Client, tmp_path):
    session = client.open(start(page, length=4))
    list(session.step(1))
    at = next(change.position for change in session.history()[1].changes)
    for turn in range(124):
        session.edit(unmask.edits.unprotect(at) if turn % 2 else unmask.edits.protect(at))
    at_revision(page, 125, 125)
    page.get_by_test_id("takeaway").click()
    with page.expect_download() as download:
        page.get_by_test_id("save-gif").click()
    expect(page.get_by_test_id("news")).to_contain_text("The run is long: it shows every 2nd revision and the last.")
    download.value.save_as(tmp_path / "long.gif")
    with Image.open(tmp_path / "long.gif") as gif:
        assert gif.n_frames == 64
