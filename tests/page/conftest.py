"""A real browser on the real stack; of each worker its own, on ports and a store of their own.

Both end with this folder: Playwright's loop runs in this thread while it is open, and the tests of
other folders start loops of their own.
"""

import pytest
from playwright.sync_api import Page, expect, sync_playwright

import unmask
from tests.page.stack import PATIENCE, Stack, chromium

# All waiting is for as long: of expectations here, of everything else that a page does in `chrome`.
expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="package")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("stack"))
    yield stack
    stack.stop()


@pytest.fixture(scope="package")
def chrome():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        browser.new_context, browser.new_page = patient(browser.new_context), patient(browser.new_page)
        yield browser
        browser.close()


# News that pass by themselves, after seconds, stay until they are looked at.
LASTING = """addEventListener("DOMContentLoaded", () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".notice[data-passing] { animation-play-state: paused !important; }");
    document.adoptedStyleSheets.push(sheet);
});"""


# The browser's own list: Playwright's events of each request cost more than the page takes to load.
REQUESTED = "() => performance.getEntriesByType('resource').map(({ name }) => name)"


def patient(make):
    """Makes contexts, or pages, that hurry nobody."""
    def made(**options):
        context_or_page = make(**options)
        context_or_page.set_default_timeout(PATIENCE * 1000)
        context_or_page.add_init_script(LASTING)
        return context_or_page
    return made


@pytest.fixture(scope="package")
def visits(chrome):
    """The context of all fresh visitors: what it keeps between them is the page's files, compiled."""
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(visits, stack) -> Page:
    """A fresh visitor on the page; any script error, policy violation or outside request fails the test."""
    page = visits.new_page()
    visits.new_cdp_session(page).send("Storage.clearDataForOrigin", {
        "origin": stack.page.rstrip("/"), "storageTypes": "cookies,local_storage,indexeddb,cache_storage"})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("console", lambda message: problems.append(message.text)
            if "Content Security Policy" in message.text or "TrustedHTML" in message.text else None)
    page.goto(stack.page)
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    yield page
    problems += [f"outside request: {url}" for url in page.evaluate(REQUESTED)
                 if not url.startswith((stack.page, "data:", "blob:"))]
    visits.clear_permissions()
    for tab in visits.pages:
        tab.close()
    assert not problems


@pytest.fixture
def client(stack):
    with unmask.connect(stack.grpc) as client:
        yield client
