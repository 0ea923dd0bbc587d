"""A real browser on the real stack.

Both end with this folder: Playwright's loop runs in this thread while it is open, and the tests of
other folders start loops of their own.
"""

import pytest
from playwright.sync_api import Page, expect, sync_playwright

import unmask
from tests.page.stack import PATIENCE, Stack, chromium

expect.set_options(timeout=20_000)


@pytest.fixture(scope="package")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("stack"))
    yield stack
    stack.stop()


@pytest.fixture(scope="package")
def chrome():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(chrome, stack) -> Page:
    """A fresh visitor on the page; any script error, policy violation or outside request fails the test."""
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("console", lambda message: problems.append(message.text)
            if "Content Security Policy" in message.text or "TrustedHTML" in message.text else None)
    page.on("request", lambda request: problems.append(f"outside request: {request.url}")
            if not request.url.startswith((stack.page, stack.page.replace("http", "ws"), "data:", "blob:")) else None)
    page.goto(stack.page)
    expect(page.get_by_test_id("connection")).to_have_text("connected", timeout=PATIENCE * 1000)
    yield page
    context.close()
    assert not problems


@pytest.fixture
def client(stack):
    with unmask.connect(stack.grpc) as client:
        yield client
