"""docs/samplers.md says what was measured, and every sampler there is was."""

import json
from pathlib import Path

from benchmarks import report
from benchmarks.samplers import SETTINGS, TASKS, Cell
from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.models.attention import Full
from inference_service.models.loading import load
from inference_service.sampling.registry import suitable

ROOT = Path(__file__).parents[1]


def test_the_page_is_made_of_the_numbers_beside_it():
    record = json.loads((ROOT / "benchmarks/results/samplers.json").read_text())
    cells = [Cell(**cell) for cell in record["cells"]]
    page = report.page(cells, record["samples"], load(str(EMBEDDED_FOLDER)).info)
    assert (ROOT / "docs/samplers.md").read_text() == page, "run make bench-samplers"
    assert len(cells) == len(TASKS) * sum(map(len, SETTINGS.values()))


def test_every_sampler_has_settings_to_be_measured_at():
    assert {label.partition(",")[0] for label in SETTINGS} == {sampler.name for sampler in suitable(Full.offers)}
