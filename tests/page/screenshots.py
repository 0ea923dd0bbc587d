"""The pictures of the README, taken from the real page: python -m tests.page.screenshots docs/images"""

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.page.stack import PATIENCE, Stack, chromium

SIZE = {"width": 1440, "height": 900}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        stack = Stack(Path(scratch))
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
            page.goto(stack.page)
            expect(page.get_by_test_id("connection")).to_have_text("connected", timeout=PATIENCE * 1000)
            page.get_by_test_id("prompt").fill("Tell me a story about Tom and a red kite.")
            page.get_by_test_id("seed").fill("1")
            page.get_by_test_id("start").click()
            for revision in range(1, 31):  # the middle of a run of 64 steps
                page.get_by_test_id("step").click()
                expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{revision}\s*/"))
            page.locator('um-canvas [data-position][data-state="open"]').nth(8).click()
            expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()
            page.mouse.move(5, 5)
            page.screenshot(path=folder / f"run-{scheme}.png")
        browser.close()
        stack.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
