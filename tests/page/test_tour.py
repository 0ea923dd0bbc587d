"""The page with no server behind it: the recording that comes with it, and its tour."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.page.driver import session_of, start
from tests.page.stack import ROOT


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def files():
    """The page's folder, served as it is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ROOT / "frontend"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("width", [1440, 400])
def test_without_a_server_the_page_opens_on_a_recording_with_a_tour(chrome, files: str, width: int):
    page: Page = chrome.new_page(viewport={"width": width, "height": 800})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(files)
    expect(page.get_by_test_id("recorded")).to_contain_text("the page goes on trying")
    tour = page.get_by_test_id("tour")
    for step, target in enumerate((".answer", ".answer", ".timeline", ".inspector", ".heat"), 1):
        expect(tour).to_have_attribute("data-step", str(step))
        expect(page.locator(f"{target}[data-toured]")).to_be_in_viewport()
        expect(page.locator("[data-toured]")).to_have_count(1)
        if step == 4:
            assert page.get_by_test_id("candidates").locator("li").count() == 10
        if step < 5:
            page.get_by_test_id("tour-next").press("Enter")
    page.get_by_test_id("tour-next").press("Escape")
    expect(tour).to_have_count(0)
    expect(page.get_by_test_id("begin-tour")).to_be_focused()
    page.wait_for_function("() => JSON.parse(localStorage.unmask ?? '{}').view?.toured")
    page.reload()
    expect(page.get_by_test_id("begin-tour")).to_be_visible()
    expect(tour).to_have_count(0)
    page.close()
    assert errors == []


def test_the_tour_is_there_with_a_session_open_and_leaves_it(page: Page):
    session = start(page, length=8)
    page.get_by_test_id("takeaway").click()
    page.get_by_test_id("see-tour").click()
    expect(page.get_by_test_id("tour")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    assert session_of(page) == session


def test_the_live_page_offers_the_recording_and_takes_one_back(page: Page):
    page.get_by_test_id("prompt").fill("Kept")
    page.get_by_test_id("watch-demo").click()
    expect(page.get_by_test_id("connection")).to_have_text("recording")
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    expect(page.get_by_test_id("prompt")).to_have_value("Kept")
