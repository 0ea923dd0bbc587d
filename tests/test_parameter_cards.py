"""The page's parameter cards and presets, against what the service has and what was measured."""

import re
from pathlib import Path

from inference_service.sampling.registry import SAMPLERS, describe

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "frontend/src/core"

# The row of docs/samplers.md that a preset's numbers are of; Creative's are of one task.
MEASURED = {
    "Fast": "fast_dllm, factor | factor 2, rule factor",
    "Careful": "p2 | steps 16 to 64",
    "LLaDA paper": "llada | steps 16 to 64",
    "Left to right": "left_to_right | count 1",
    "Creative": "remdm | steps 16 to 64",
}


def cards() -> set[str]:
    """The keys of the table of cards: a parameter's name, or sampler and name."""
    table = (CORE / "parameter-cards.js").read_text().partition("export const CARDS = {")[2].partition("\n};")[0]
    return set(re.findall(r'^  "?([\w.]+)"?: \{ formula: \[".+"\], plot: \w+ \},$', table, re.MULTILINE))


def parameters() -> set[tuple[str, str]]:
    return {(sampler.name, described.name) for sampler in SAMPLERS.values() for described in describe(sampler)}


def test_every_parameter_has_a_card_with_a_formula_and_a_plot():
    known = cards()
    assert known
    assert [f"{sampler}.{name}" for sampler, name in sorted(parameters())
            if name not in known and f"{sampler}.{name}" not in known] == []


def test_no_card_is_of_a_parameter_that_no_sampler_has():
    published = {name for pair in parameters() for name in (pair[1], ".".join(pair))}
    assert cards() - published == set()


def presets_in(table: str) -> list[tuple[str, str, str, str]]:
    """Name, sampler, parameters and note of each preset of a table."""
    script = (CORE / "presets.js").read_text().partition(f"const {table} = [")[2].partition("\n];")[0]
    return re.findall(r'\{ name: "([^"]+)", sampler: "(\w*)", parameters: \{(.*?)\}, note: "([^"]+)" \}', script)


def test_a_preset_names_what_samplers_have_and_tells_what_was_measured():
    presets = presets_in("PRESETS")
    assert {name for name, *_ in presets} == {"Default", *MEASURED}
    docs = (ROOT / "docs/samplers.md").read_text().replace("**", "")
    for name, sampler, values, note in presets:
        told = re.search(r"(0\.\d\d) (?:of its sums )?right in ([\d.]+) forward passes", note)
        if name == "Default":
            assert not told
            continue
        named = set(re.findall(r"(\w+):", values))
        assert named <= {described.name for described in describe(SAMPLERS[sampler])}
        right, passes = told.groups()
        rows = [line for line in docs.splitlines() if line.startswith(f"| {MEASURED[name]} |")]
        seen = f"{right} at {passes}" if "of its sums" in note else f"| {right} | {passes} |"
        assert any(seen in row for row in rows), (name, seen, rows)


def test_presets_from_left_to_right_fit_the_sampler_and_claim_no_numbers():
    presets = presets_in("LEFT_TO_RIGHT")
    assert [name for name, *_ in presets] == ["Greedy", "Reliable", "Balanced", "Creative"]
    ranges = {described.name: described for described in describe(SAMPLERS["autoregressive"])}
    for name, sampler, values, note in presets:
        assert sampler == "autoregressive" and not re.search(r"\d", note)
        typed = re.findall(r'(\w+): "([\d.]+)"', values)
        assert bool(typed) == (name != "Greedy")  # what it does not name is at its default: the likeliest token
        for parameter, value in typed:
            assert ranges[parameter].minimum <= float(value) <= ranges[parameter].maximum
    assert ranges["temperature"].default == 0
