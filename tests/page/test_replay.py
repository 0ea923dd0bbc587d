"""What is taken away and needs no server: a run as one page, and as a GIF."""

import base64
import gzip
import json
import re

from PIL import Image
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import run_to_end, session_of, shown_tokens, start
from tests.page.make_demo import TARGET, saved_page

MOST_BYTES = 400_000  # without the run itself


def test_a_run_saved_as_a_page_replays_without_a_network(page: Page, chrome, client: unmask.Client, tmp_path):
    start(page, length=12)
    run_to_end(page)
    session = client.open(session_of(page))
    prompt = session.prompt_length
    html = saved_page(page, tmp_path / "run.html")
    archive = re.search(r'id="archive">(.*?)</script>', html, re.DOTALL)[1]
    assert len(html.encode()) - len(archive.encode()) < MOST_BYTES
    folded = re.search(r'id="modules">(.*?)</script>', html)[1]
    modules = json.loads(gzip.decompress(base64.b64decode(folded)))
    live_only = re.compile(r"src/net/|src/main\.js|vendor/@bufbuild|"
                           r"actions/(session|connection|editing|asking|models)\.js")
    assert "src/replay.js" in modules and [path for path in modules if live_only.search(path)] == []

    context = chrome.new_context(offline=True)
    replay = context.new_page()
    problems, requests = [], []
    replay.on("pageerror", lambda error: problems.append(str(error)))
    replay.on("console", lambda message: problems.append(message.text))
    replay.on("request", lambda request: requests.append(request.url) if not request.url.startswith("data:") else None)
    replay.goto((tmp_path / "run.html").as_uri())
    expect(replay.get_by_test_id("connection")).to_have_text("recording")

    timeline = replay.get_by_test_id("timeline")
    timeline.focus()
    replay.keyboard.press("Home")
    for revision in range(13):
        expect(replay.get_by_test_id("revision")).to_have_text(re.compile(rf"^{revision}\s*/\s*12$"))
        canvas = session.get(revision).canvas
        assert shown_tokens(replay) == [None if state == 1 else token for token, state in
                                        zip(canvas.tokens[prompt:], canvas.states[prompt:], strict=True)]
        replay.keyboard.press("ArrowRight")

    # Nothing is offered that takes a server; P plays, as R does.
    replay.keyboard.press("Home")
    for gone in ("run", "step", "forward", "undo", "continue", "brush-mask", "brush-lock", "model-switch"):
        expect(replay.get_by_test_id(gone)).to_have_count(0)
    timeline.blur()  # a slider is no place to edit from
    for key, why in (("m", "nothing can be changed here."), ("=", "comparing needs a server."),
                     ("f", "nothing can be changed here."), ("o", "there is no model to switch.")):
        replay.keyboard.press(key)
        expect(replay.get_by_test_id("refused")).to_have_text(f"This is a recording: {why}")
    replay.locator('um-canvas [data-state="open"]').first.click()
    expect(replay.get_by_test_id("not-recorded").or_(replay.get_by_test_id("candidates"))).to_be_visible()
    replay.keyboard.press("p")
    expect(replay.get_by_test_id("revision")).to_have_text(re.compile(r"^12\s*/\s*12$"))

    replay.locator('um-canvas [data-state="committed"]').first.click()
    expect(replay.get_by_test_id("candidates").locator("li")).to_have_count(10)
    assert replay.get_by_test_id("heat-canvas").evaluate(
        "canvas => new Set(new Uint32Array(canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, 12).data.buffer)).size > 3")
    replay.keyboard.press("s")
    expect(replay.get_by_test_id("refused")).to_have_text("This is a recording: nothing can be changed here.")
    context.close()
    assert problems == [] and requests == [(tmp_path / "run.html").as_uri()]


def test_a_run_saved_as_a_gif_shows_every_revision(page: Page, tmp_path):
    start(page, length=12)
    run_to_end(page)
    page.get_by_test_id("takeaway").click()
    with page.expect_download() as download:
        page.get_by_test_id("save-gif").click()
    download.value.save_as(tmp_path / "run.gif")
    with Image.open(tmp_path / "run.gif") as gif:
        assert gif.n_frames == 13 and gif.size[0] == 760
        frames = []
        for at in range(gif.n_frames):
            gif.seek(at)
            frames.append(gif.convert("RGB").tobytes())
    assert len(set(frames)) == 13


def test_the_recording_that_comes_with_the_page_is_what_the_model_gives(client: unmask.Client):
    archive = json.loads(TARGET.read_text("utf-8"))
    settings = archive["roots"][0]["settings"]
    session = client.create(archive["session"]["asked"]["prompt"], length=len(archive["frames"]),
                            sampler=settings["sampler"], seed=int(settings["seed"]), **settings["parameters"])
    given = [[(change.position, change.token) for change in frame.changes] for frame in session.step()]
    assert given == [[(position, token) for position, token, *_ in frame["changes"]] for frame in archive["frames"]]
