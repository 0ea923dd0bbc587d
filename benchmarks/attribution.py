"""Whether attribution finds what a token was copied from: ``python -m benchmarks.attribution``.

The embedded models answer questions over facts that the prompt states ("Tom has a red kite. Ann has a blue hat. What
does Ann have?"), so what a word of the answer was copied from is known: the same word in the fact asked for. Each
method is asked for it, by itself and with the same place's word of another fact as contrast. Goes through the service's
own jobs. Writes benchmarks/results/attribution.json and the table of docs/attribution.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import mean, median

import torch

from benchmarks.sessions import machine
from embedded_model.corpus import questions
from embedded_model.export import CAUSAL_WEIGHTS, WEIGHTS
from inference_service.engine.engine import Engine
from inference_service.inspection.attribution.attribute import Attribution, attribute
from inference_service.inspection.attribution.question import METHODS, Question, question
from inference_service.models.denoiser import Denoiser
from inference_service.models.loading import load

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs/attribution.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
STEPS = 128  # of integrated gradients, the same for every sample, so that times compare
OPEN, WRITTEN, CAUSAL = "diffusion, answer open", "diffusion, answer written", "left to right"


@dataclass(frozen=True)
class Case:
    """A canvas with a planted dependency.

    tokens: None where open. position: a word of the answer that the question does not have. token: that word.
    source: where the prompt has it. contrast: the same place's word of another fact. facts: each fact's positions,
    the one asked for first.
    """

    tokens: list[int | None]
    position: int
    token: int
    contrast: int
    source: int
    facts: list[tuple[int, ...]]


@dataclass(frozen=True)
class Cell:
    """What a method did in one situation.

    right: share of the cases drawn that the model answered right; only they are asked about. word: share of them in
    which the word copied from scored highest of all sources. among: the same among the words of the facts. fact: in
    which the fact copied from did, all its words together. gap: median completeness gap. seconds: median, a question.
    """

    situation: str
    method: str
    contrast: bool
    cases: int
    right: float
    word: float | None
    among: float | None
    fact: float
    gap: float | None
    seconds: float


def planted(model: Denoiser, rng: Random, answer_open: bool) -> Case:
    """A question about one of two to four facts with its right answer."""
    prompt, answer = questions.make_single(rng)
    stated = [match.groups() for match in questions.FACT.finditer(prompt)]
    wanted = questions.FACT.match(answer).groups()
    asked = prompt[max(match.end() for match in questions.FACT.finditer(prompt)):]
    which = rng.choice([index for index, word in enumerate(wanted) if word not in asked])
    other = rng.choice([fact for fact in stated if fact != wanted])
    before = model.text.chat([{"role": "user", "content": prompt}])
    words = [model.text.token(id).text.strip() for id in before]
    first = words.index("user")  # words of the template do not count
    places = [_facts_place(words, fact, first) for fact in [wanted, *(fact for fact in stated if fact != wanted)]]
    written = model.text.encode(answer)
    offset = [model.text.token(id).text.strip() for id in written].index(wanted[which])
    [contrast] = model.text.encode(other[which] if offset == 0 else f" {other[which]}")
    tokens = [*before, *([None] * len(written) if answer_open else written), model.info.eot_token]
    return Case(tokens, len(before) + offset, written[offset], contrast,
                next(place for place in places[0] if words[place] == wanted[which]), places)


def _facts_place(words: list[str], fact: tuple[str, str, str], start: int) -> tuple[int, ...]:
    """The positions of "Tom has a red kite"."""
    sentence = [fact[0], "has", "a", fact[1], fact[2]]
    return next(tuple(range(at, at + len(sentence))) for at in range(start, len(words))
                if words[at:at + len(sentence)] == sentence)


def ask(model: Denoiser, case: Case, method: str, contrast: bool) -> Question:
    more: dict = {"spans": [(fact[0], len(fact)) for fact in case.facts]} if method == "occlusion" else {}
    if method == "integrated_gradients":
        more["steps"] = STEPS
    return question(case.tokens, model.info, case.position, case.token, case.contrast if contrast else None, method,
                    **more)


def judged(case: Case, asked: Question, found: Attribution) -> tuple[bool | None, bool | None, bool]:
    """Whether the word is first of all, first of the facts' words, and its fact first of the facts."""
    scores = {first: score for (first, _), score in zip(asked.parts, found.scores, strict=True)}
    if asked.method == "occlusion":
        return None, None, max(scores, key=scores.get) == case.facts[0][0]
    facts = [sum(scores[place] for place in fact) for fact in case.facts]
    among = max((place for fact in case.facts for place in fact), key=scores.get)
    return max(scores, key=scores.get) == case.source, among == case.source, facts[0] == max(facts)


def measure(model: Denoiser, engine: Engine, situation: str, samples: int,
            methods: tuple[str, ...] = METHODS) -> Iterator[Cell]:
    """Methods on the same cases, with and without contrast; only such cases as the model answers right."""
    rng, cases, drawn = Random(f"attribution/{situation}"), [], 0
    while len(cases) < samples:
        drawn += 1
        case = planted(model, rng, situation == OPEN)
        likeliest = ask(model, case, "ablation", False)
        canvas, position = list(likeliest.view.ids), case.position
        canvas += [0] * (position + 1 - len(canvas))
        if model.logits([canvas], [[position]])[0].argmax().item() == case.token:
            cases.append(case)
    for method in methods:
        for contrast in (False, True) if method != "attention" else (False,):
            told, answers = [], []
            for case in cases:
                asked = ask(model, case, method, contrast)
                answers.append(engine.submit(attribute(model, asked), interactive=True).result.result())
                told.append(judged(case, asked, answers[-1]))
            word, among, fact = (None if column[0] is None else mean(column) for column in zip(*told, strict=True))
            gaps = [found.gap for found in answers if found.gap is not None]
            yield Cell(situation, method, contrast, len(cases), len(cases) / drawn, word, among, fact,
                       median(gaps) if gaps else None, median(found.seconds for found in answers))


def table(cells: list[Cell]) -> str:
    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    lines = ["| situation | method | the word, of all | the word, of the facts' | the fact | ms |",
             "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {cell.situation} | {cell.method}{', contrast' if cell.contrast else ''} | {share(cell.word)} |"
              f" {share(cell.among)} | {share(cell.fact)} | {cell.seconds * 1e3:.0f} |" for cell in cells]
    return "\n".join(lines)


def report(found: dict[str, object], cells: list[Cell]) -> None:
    record = {"machine": found, "steps": STEPS, "cells": [asdict(cell) for cell in cells]}
    (HERE / "results/attribution.json").write_text(json.dumps(record, indent=1) + "\n")
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table(cells)}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=64, help="cases in each situation")
    samples = parser.parse_args().samples
    torch.set_num_threads(1)
    found, begun, cells, engine = machine(), time.monotonic(), [], Engine()
    for folder, family, situations in ((WEIGHTS, "", (OPEN, WRITTEN)), (CAUSAL_WEIGHTS, "causal", (CAUSAL,))):
        model = load(str(folder), device="cpu", family=family)
        for situation in situations:
            for cell in measure(model, engine, situation, samples):
                print(table([cell]).splitlines()[-1], flush=True)
                cells.append(cell)
    engine.stop()
    report(found, cells)
    print(f"{time.monotonic() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
