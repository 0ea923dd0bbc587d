"""Makes frontend/demo/run.json, the recording that comes with the page, from a real run.

    python -m tests.page.make_demo

The page saves the run as a page of its own; its archive is what is kept.
"""

import json
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.page.driver import run_to_end, start
from tests.page.stack import PATIENCE, ROOT, Stack, chromium

TARGET = ROOT / "frontend" / "demo" / "run.json"
PROMPT = "Tell me a story about Tom and a red kite."
LENGTH, SEED = 96, 7  # room for the story to end in


def saved_page(page: Page, path: Path) -> str:
    """The session on the page as one file, by the menu."""
    page.get_by_test_id("takeaway").click()
    with page.expect_download(timeout=PATIENCE * 1000) as download:
        page.get_by_test_id("save-page").click()
    download.value.save_as(path)
    return path.read_text("utf-8")


def archive_in(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="archive">(.*?)</script>', html, re.DOTALL)[1])


def check_it_ends(archive: dict) -> None:
    """Raises ValueError for a run that is not the whole of a text: it is the first that people see."""
    last = archive["frames"][-1]["summary"]
    written = last["tokensBeforeEnd"]
    if last["pending"] or last["openCount"] or written is None or not 0 < written < LENGTH:
        raise ValueError(f"the run does not end within {LENGTH} positions; give it more")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        stack = Stack(Path(folder))
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(stack.page)
            expect(page.get_by_test_id("connection")).to_have_text("connected", timeout=PATIENCE * 1000)
            start(page, PROMPT, LENGTH, SEED)
            run_to_end(page)
            archive = archive_in(saved_page(page, Path(folder) / "run.html"))
            check_it_ends(archive)
            browser.close()
        finally:
            stack.stop()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(archive, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(archive['frames'])} frames, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
