"""Nothing runs, is styled or is fetched but what the page's own files say; whatever a model writes is text."""

import re
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

from playwright.sync_api import Page, expect
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import unmask
from tests.models.tiny_checkpoints import SPECIAL, llada_config, random_weights, write_checkpoint
from tests.page.driver import cell, run_to_end
from tests.page.states import STATES

WATCHED = """window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));"""


class Attributes(HTMLParser):
    """Elements that say by themselves how they look or what they do."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [f"<{tag}>" for _ in [0] if tag == "style"]
        self.found += [f"<{tag} {name}>" for name, _ in attrs if name == "style" or name.startswith("on")]


def test_the_policy_lets_nothing_be_put_in(chrome, stack):
    with urllib.request.urlopen(stack.page) as answer:
        policy, html = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    served = Attributes()
    served.feed(html)
    assert served.found == []
    page = chrome.new_page()
    page.add_init_script(WATCHED)
    page.goto(stack.page)
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    assert page.evaluate("violations") == []
    refused = page.evaluate("""async () => {
        const sheet = "body { outline: 9px solid red }";
        const tried = {
            markup: () => document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>"),
            script: () => { document.head.appendChild(document.createElement("script")).text = "window.ran = 2"; },
            // What the debugger runs may do so; what runs later is the page's own.
            code: () => new Promise((done, fail) => setTimeout(() => {
                try { done((0, eval)("window.ran = 3")); } catch (error) { fail(error); }
            })),
            style: () => document.body.setAttribute("style", "outline: 9px solid red"),
            sheet: () => { document.head.appendChild(document.createElement("style")).textContent = sheet; },
            picture: () => { document.body.appendChild(new Image()).src = "http://127.0.0.2:9/x.png"; },
            request: () => fetch("http://127.0.0.2:9/"),
        };
        const stopped = [];
        for (const [name, act] of Object.entries(tried)) {
            try { await act(); } catch { stopped.push(name); }
        }
        return stopped;
    }""")
    assert {"markup", "script", "code", "request"} <= set(refused)
    page.wait_for_function("() => violations.length >= 7")
    assert {"require-trusted-types-for", "style-src-attr", "style-src-elem", "img-src", "connect-src"} <= set(
        page.evaluate("violations"))
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).outlineStyle") == "none"
    page.context.close()


def test_no_state_of_the_page_is_against_its_policy(chrome, stack):
    """Styles are told by custom properties alone, through the CSS object model."""
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(WATCHED)
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url)
            if not request.url.startswith((stack.page, "data:", "blob:")) else None)
    page.goto(stack.page)
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    for name, come, leave in STATES:
        come(page)
        styled = page.eval_on_selector_all("[style]", "all => all.flatMap(({ style }) => [...style])")
        assert [prop for prop in styled if not prop.startswith("--")] == [], name
        assert page.locator("style, [onclick], [onerror], [onload]").count() == 0, name
        leave(page)
    assert page.evaluate("violations") == []
    assert outside == []
    context.close()


# What a model may write, and what is seen of it.
ODD = {
    "<img src=x onerror=document.title=1>": "<img src=x onerror=document.title=1>",
    "<script>document.title=2</script>": "<script>document.title=2</script>",
    "\u0000": "␀",
    "\u001b[31m": "␛[31m",
    "\u0007": "␇",
    "\u202edlrow": "⟨U+202E⟩dlrow",
    "\u2067": "⟨U+2067⟩",
    "\u200b": "⟨U+200B⟩",
    "\u05e9\u05dc\u05d5\u05dd": "\u05e9\u05dc\u05d5\u05dd",
    "&amp;${x}": "&amp;${x}",
}
UNSEEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def odd_checkpoint(folder: Path) -> Path:
    """A checkpoint that writes little but these: no other row of its head says anything."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    odd = ["".join(piece for piece, _ in byte_level.pre_tokenize_str(text)) for text in ODD]
    pieces = list(dict.fromkeys([*odd, *sorted(pre_tokenizers.ByteLevel.alphabet())]))
    tokenizer = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    end, mask = len(pieces), len(pieces) + len(SPECIAL) - 1
    ids = {"mask_token_id": mask, "eos_token_id": end, "pad_token_id": end}
    weights = random_weights(llada_config(**ids))
    head = weights["model.transformer.ff_out.weight"]
    head[: len(ODD)] *= 4
    head[len(ODD):] = 0
    write_checkpoint(folder, weights=weights, **ids)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}')
    return folder


def unseen_in(page: Page) -> list[str]:
    """Of all texts and attributes of the page, those that hold what nobody would see."""
    said = page.evaluate("""() => {
        const said = [];
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
        for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            if (node.nodeType === Node.TEXT_NODE) said.push(node.data);
            else said.push(...[...node.attributes].map(({ value }) => value));
        }
        return said;
    }""")
    return [text for text in said if UNSEEN.search(text)]


def test_what_a_model_writes_is_shown_and_never_done(page: Page, client: unmask.Client, tmp_path):
    model = client.load(str(odd_checkpoint(tmp_path / "odd"))).name
    session = client.create(list(range(len(ODD))), model=model, length=16, sampler="llada", seed=1)
    page.goto(f"{page.url.split('#')[0]}#session={session.id}")
    page.reload()
    faces = list(ODD.values())
    for position, face in enumerate(faces):
        expect(cell(page, position)).to_have_text(face)
    # Into the tray, as a draft that the model has made of them.
    page.get_by_test_id("forward").click()
    draft = page.locator("um-canvas [data-ghost]").first
    face = faces[int(draft.get_attribute("data-token"))]
    draft.focus()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("tray")).to_contain_text(face)
    assert unseen_in(page) == []
    run_to_end(page)
    written = session.tokens
    odd = [token for token in written if token < len(ODD)]
    assert len(set(odd)) >= 3, "the model has written them itself"
    for position, token in enumerate(written, start=len(ODD)):
        if token < len(ODD):
            expect(cell(page, position)).to_have_text(faces[token])
    # Beside each other in the order of their positions, whichever way a word is written.
    places = page.eval_on_selector_all("um-canvas [data-position]", """cells => cells.map((cell) => {
        const { left, top } = cell.getBoundingClientRect();
        return [Number(cell.dataset.position), Math.round(top), left];
    })""")
    for (before, line, left), (after, next_line, right) in zip(places, places[1:]):
        assert after == before + 1 and (next_line > line or right > left)
    looked = len(ODD) + next(at for at, token in enumerate(written) if token < len(ODD))
    cell(page, looked).click()
    rows = page.get_by_test_id("candidates").locator("li")
    expect(rows.first).to_be_visible()
    weighed = {int(row.get_attribute("data-token")): row.locator(".token").inner_text() for row in rows.all()}
    assert all(text.split("\n")[0] == faces[token] for token, text in weighed.items() if token < len(ODD)), weighed
    page.get_by_test_id("heat").locator("summary").click()
    for mode in ("rows", "grid", "reading"):
        page.get_by_test_id("mode").locator(f'[data-value="{mode}"]').click()
        if mode == "rows":
            page.get_by_test_id("rows-filter").locator('[data-value="all"]').click()
        expect(page.locator("um-canvas [data-position]").first).to_be_visible()
        assert unseen_in(page) == [], mode
    assert page.locator("um-app img, um-app script, um-app iframe").count() == 0
    assert page.title() == "Unmask"
    # What is copied is the text as it was written.
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == session.text
