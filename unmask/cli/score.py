"""`unmask score`: how likely an answer is, from a server or in this process."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from unmask.cli import options
from unmask.cli.generate import client_for, load, one_line, parse_id, prompt_from
from unmask.v1.inspection_service_pb2 import ScoreResponse


def score(
    answer: Annotated[str | None, typer.Argument(help="The answer; - reads it from standard input.")] = None,
    tokens: Annotated[str | None, typer.Option(help="The answer as token ids: 5,9,2.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What stands before it; nothing if left out.")] = None,
    prompt_tokens: Annotated[str | None, typer.Option(help="The same as token ids.")] = None,
    raw: options.Raw = False,
    special_tokens: options.SpecialTokens = None,
    add_special_tokens: options.AddSpecialTokens = None,
    model: options.Model = "",
    samples: Annotated[int, typer.Option(min=0, max=options.MAX_ID, help="Of the estimate; 0 takes 128.")] = 0,
    exact: Annotated[bool, typer.Option("--exact", help="Enumerate instead: at most 12 tokens.")] = False,
    cfg_scale: Annotated[float, typer.Option("--cfg", help="Classifier-free guidance, 0 to 10.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Where the samples come from.")] = 0,
    id_: options.Id = [],  # noqa: B006
    family: options.Family = "",
    dtype: options.Dtype = "",
    server: options.Server = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known of it as JSON.")] = False,
):
    """Say how likely an answer is, in nats."""
    errors = Console(stderr=True)
    with one_line(errors):
        wanted = answer_from(answer, tokens)
        before = prompt_from(prompt, prompt_tokens) if (prompt, prompt_tokens) != (None, None) else ""
        token_ids = dict(map(parse_id, id_))
        with client_for(server) as client:
            loaded = load(client, model, dtype, token_ids, errors, family)
            with Progress(console=errors, transient=True) as bar:
                task = bar.add_task("scoring", total=None)

                def show(response: ScoreResponse) -> None:
                    bar.update(task, total=response.total, completed=response.done,
                               description=f"scoring {number(response)}")

                response = client.score(wanted, before, raw=raw, model=loaded.name, samples=samples, exact=exact,
                                        cfg_scale=cfg_scale, seed=seed, special_tokens=special_tokens,
                                        add_special_tokens=add_special_tokens, progress=show)
            told = client.pieces(response.tokens, loaded.name) if loaded.has_tokenizer and not as_json else []
    if as_json:
        print(json.dumps(facts(response)))
        return
    print(number(response))
    shown = [repr(token.text) for token in told] or list(map(str, response.tokens))
    for piece, logarithm in zip(shown, response.token_log_likelihoods):
        print(f"{logarithm:10.4f}  {piece}")
    for note in response.notes:
        errors.print(note, highlight=False, soft_wrap=True)


def answer_from(answer: str | None, tokens: str | None) -> str | list[int]:
    """The answer that was asked about; exactly one of the two forms."""
    if (answer is None) == (tokens is None):
        raise ValueError("give an answer or --tokens, one of the two")
    if answer is None:
        return prompt_from(None, tokens)
    return sys.stdin.read() if answer == "-" else answer


def number(response: ScoreResponse) -> str:
    """The log-likelihood, with its standard error where it has one."""
    error = f" ± {response.standard_error:.4f}" if response.HasField("standard_error") else ""
    return f"{response.log_likelihood:.4f}{error}"


def facts(response: ScoreResponse) -> dict:
    return {
        "log_likelihood": response.log_likelihood,
        "standard_error": response.standard_error if response.HasField("standard_error") else None,
        "exact": response.exact,
        "samples": response.done,
        "tokens": list(response.tokens),
        **({"token_log_likelihoods": list(response.token_log_likelihoods)} if response.token_log_likelihoods else {}),
        "notes": list(response.notes),
    }
