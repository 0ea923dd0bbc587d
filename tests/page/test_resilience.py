"""Whatever goes away and comes back, the page is where it was; and two tabs are of one mind about one session."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, cell, choose_model, go_to, shown_canvas, start, steps
from tests.page.stack import Stack
from unmask.frames import OPEN

PLACE = """() => {
    const shown = document.querySelector('[data-testid="revision"]')?.textContent.split("/")[0].trim();
    return {
        session: document.querySelector("um-canvas")?.dataset.session,
        revision: Number(shown),
        looked: document.querySelector('[data-testid="inspector"]')?.dataset.position,
        mode: document.querySelector('[data-testid="mode"] [aria-checked="true"]')?.dataset.value,
        prompt: document.querySelector('[data-testid="prompt"]')?.value,
        candidates: document.querySelectorAll('[data-testid="candidates"] li').length,
    };
}"""


DECIDED = """() => [...document.querySelectorAll("um-canvas [data-position]")]
    .filter(cell => cell.dataset.state !== "open").map(cell => cell.textContent.trim())"""


def somewhere(page: Page) -> dict:
    """Goes to a place of its own in a session: an old revision, a position, a view, a prompt half written."""
    session = start(page)
    steps(page, 3)
    go_to(page, 1)
    page.get_by_test_id("mode").locator('[data-value="grid"]').click()
    looked = int(page.locator("um-canvas [data-position][data-state=open]").nth(3).get_attribute("data-position"))
    cell(page, looked).click()
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()
    page.get_by_test_id("prompt").fill("What I was about to ask")
    place = page.evaluate(PLACE)
    assert place | {"candidates": 0} == {"session": session, "revision": 1, "looked": str(looked), "mode": "grid",
                                         "prompt": "What I was about to ask", "candidates": 0}
    return place


def returns(page: Page, place: dict) -> None:
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    page.wait_for_function(f"place => JSON.stringify(({PLACE})()) === JSON.stringify(place)", arg=place)


def reloaded(page: Page, _stack: Stack) -> None:
    page.reload()


def service_killed(page: Page, stack: Stack) -> None:
    stack.kill_service()
    expect(page.get_by_test_id("disconnected")).to_be_visible()
    stack.start_service()


def gateway_killed(page: Page, stack: Stack) -> None:
    stack.kill_gateway()
    expect(page.get_by_test_id("disconnected")).to_be_visible()
    stack.start_gateway()


@pytest.mark.parametrize("interrupted", [reloaded, service_killed, gateway_killed])
def test_the_page_comes_back_where_it_was(page: Page, stack: Stack, interrupted: Callable[[Page, Stack], None]):
    place = somewhere(page)
    canvas = shown_canvas(page)
    interrupted(page, stack)
    returns(page, place)
    at_revision(page, 1, 3)
    assert shown_canvas(page) == canvas
    # And goes on from there.
    page.get_by_test_id("step").click()
    at_revision(page, 4, 4)


@pytest.mark.parametrize("reload", [False, True])
def test_a_session_whose_model_a_restart_took_out_of_memory_gets_it_back(page: Page, stack: Stack, reload: bool):
    choose_model(page, "embedded-causal")
    start(page, length=12)
    steps(page, 3)
    page.locator("#parameter-temperature").fill("0.35")
    written = page.evaluate(DECIDED)
    assert "kite" in "".join(written)
    page.evaluate("""() => {
        window.forms = new Set();
        new MutationObserver(() => {
            const sampler = document.querySelector("#sampler");
            if (sampler) window.forms.add(sampler.value);
            if (/#[0-9]/.test(document.querySelector("um-canvas")?.textContent ?? "")) window.forms.add("ids");
        }).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    }""")
    stack.kill_service()
    expect(page.get_by_test_id("disconnected")).to_be_visible()
    if reload:
        page.reload()
    stack.start_service()
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    expect(page.get_by_test_id("model-line")).to_contain_text("ready")
    expect(page.get_by_test_id("sampler")).to_have_value("autoregressive")
    expect(page.locator("#parameter-temperature")).to_have_value("0.35")
    page.wait_for_function(f"written => JSON.stringify(({DECIDED})()) === JSON.stringify(written)", arg=written)
    if not reload:
        assert set(page.evaluate("[...window.forms]")) <= {"autoregressive", "Autoregressive"}
    page.get_by_test_id("step").click()
    at_revision(page, 4, 4)
    expect(page.get_by_test_id("error")).to_have_count(0)


def test_a_reload_while_the_service_is_away_loses_nothing(page: Page, stack: Stack):
    place = somewhere(page)
    stack.kill_service()
    page.reload()
    expect(page.get_by_test_id("disconnected")).to_be_visible()
    expect(page.get_by_test_id("prompt")).to_have_value(place["prompt"])
    page.reload()  # what was kept is not written over by a page that has nothing yet
    stack.start_service()
    returns(page, place)


class TcpProxy:
    """A port that passes on what comes to another, until it is cut."""

    def __init__(self, port: int):
        self._to = port
        self._open: list[socket.socket] = []
        self._whole = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self._whole = False
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes whoever reads, as closing does not
            end.close()
        self._open.clear()

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        self.cut()
        self._listener.close()


def test_a_minute_asleep_costs_nothing(chrome, stack: Stack, client: unmask.Client):
    """A lid closed: the connection is cut, and the page's clock jumps a minute ahead, with none of its timers run
    meanwhile but each once at the end. The machine itself does not sleep."""
    wire = TcpProxy(stack.web_port)
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.clock.install()
        page.goto(f"http://127.0.0.1:{wire.port}/")
        expect(page.get_by_test_id("connection")).to_have_text("connected")
        place = somewhere(page)
        wire.cut()
        expect(page.get_by_test_id("disconnected")).to_be_visible()
        list(client.open(place["session"]).step(1))  # somebody else goes on
        page.clock.fast_forward(60_000)
        wire.mend()
        returns(page, place)
        at_revision(page, 1, 4)
    finally:
        context.close()
        wire.close()


def agree(one: Page, other: Page, revision: int, client: unmask.Client, session: str) -> None:
    for tab in (one, other):
        at_revision(tab, revision, revision)
    canvas = client.open(session).get().canvas
    truth = [None if state == OPEN else token for token, state in zip(canvas.tokens, canvas.states)]
    assert [token for _, token in shown_canvas(one)] == [token for _, token in shown_canvas(other)] == truth


def test_two_tabs_on_one_session_agree(page: Page, client: unmask.Client):
    session = start(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("um-canvas [data-state=open]").first).to_be_visible()
    page.get_by_test_id("step").click()
    agree(page, other, 1, client, session)
    other.get_by_test_id("step").click()
    agree(page, other, 2, client, session)
    page.locator("um-canvas [data-state=committed]").first.focus()
    page.keyboard.press("m")
    agree(page, other, 3, client, session)
    other.get_by_test_id("undo").click()
    agree(page, other, 4, client, session)


def test_two_tabs_keep_a_form_each(page: Page, stack: Stack):
    other = page.context.new_page()
    other.goto(stack.page)
    expect(other.get_by_test_id("connection")).to_have_text("connected")
    page.get_by_test_id("prompt").fill("one")
    other.get_by_test_id("prompt").fill("two")
    page.get_by_test_id("length").fill("17")
    page.reload()
    other.reload()
    expect(page.get_by_test_id("prompt")).to_have_value("one")
    expect(page.get_by_test_id("length")).to_have_value("17")
    expect(other.get_by_test_id("prompt")).to_have_value("two")
    # A third begins with what was left last.
    third = page.context.new_page()
    third.goto(stack.page)
    expect(third.get_by_test_id("prompt")).to_have_value("two")
