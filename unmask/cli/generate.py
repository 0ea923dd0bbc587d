"""`unmask generate`: one generation, from a server or in this process."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

import unmask
from unmask.cli import options
from unmask.cli.options import MAX_ID
from unmask.frames import OPEN
from unmask.messages import CONSTRAINTS
from unmask.v1.frame_pb2 import CONSTRAINT_PROGRESS_INCOMPLETE, Summary
from unmask.v1.model_service_pb2 import LoadModelResponse, Model


def generate(
    prompt: options.Prompt = None,
    tokens: options.Tokens = None,
    raw: options.Raw = False,
    special_tokens: options.SpecialTokens = None,
    add_special_tokens: options.AddSpecialTokens = None,
    model: options.Model = "",
    length: options.Length = None,
    word: options.Word = [],  # noqa: B006
    sampler: options.Sampler = "",
    set_: options.Set = [],  # noqa: B006
    constraint: options.Constraint = "",
    cache: options.Cache = "",
    cache_set: options.CacheSet = [],  # noqa: B006
    seed: options.Seed = None,
    id_: options.Id = [],  # noqa: B006
    family: options.Family = "",
    dtype: options.Dtype = "",
    server: options.Server = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print tokens, text and what they took as JSON.")] = False,
):
    """Generate once and print the text."""
    errors = Console(stderr=True)
    asked = Asked(prompt, tokens, raw, model, length, word, sampler, set_, seed, id_, dtype, server,
                  constraint, special_tokens, add_special_tokens, family, cache, tuple(cache_set))
    with one_line(errors), started(asked, errors) as (client, loaded, session):
        steps, summary, approximations = run(session, errors)
        made, prompt_now = session.tokens, filled_prompt(session)
        told = [*prompt_now, *until_end(made, loaded)]
        text = client.detokenize(told, loaded.name) if loaded.has_tokenizer else None
    if summary.constraint == CONSTRAINT_PROGRESS_INCOMPLETE:
        errors.print("[yellow]The text ended before it met the constraint; give it more --length.[/]", highlight=False)
    if as_json:
        print(json.dumps({
            "tokens": made, "text": text, "forwards": summary.total_forward_count, "steps": steps,
            "tokens_before_end": summary.tokens_before_end,
            "wall_seconds": summary.total_wall_time.ToNanoseconds() / 1e9,
            "approximations": approximations,
            **({"prompt": prompt_now} if prompt_now else {})}))
    else:
        print(text if text is not None else ",".join(map(str, [*prompt_now, *made])))


@dataclass(frozen=True)
class Asked:
    """The options of a generation as they were typed."""

    prompt: str | None
    tokens: str | None
    raw: bool
    model: str
    length: int | None
    word: list[str]
    sampler: str
    set: list[str]
    seed: int | None
    id: list[str]
    dtype: str
    server: str
    constraint: str = ""
    special_tokens: bool | None = None
    add_special_tokens: bool | None = None
    family: str = ""
    cache: str = ""
    cache_set: Sequence[str] = ()


@contextmanager
def one_line(errors: Console) -> Iterator[None]:
    """Says in one line what went wrong, and ends the command."""
    try:
        yield
    except (unmask.UnmaskError, ValueError) as error:
        errors.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


@contextmanager
def started(asked: Asked, errors: Console) -> Iterator[tuple[unmask.Client, Model, unmask.Session]]:
    """A new session on a loaded model; a server does not keep it when all went well."""
    wanted = prompt_from(asked.prompt, asked.tokens)
    parameters = dict(map(parse_parameter, asked.set))
    token_ids = dict(map(parse_id, asked.id))
    words = parse_words(asked.word)
    with client_for(asked.server) as client:
        loaded = load(client, asked.model, asked.dtype, token_ids, errors, asked.family)
        session = client.create(wanted, raw=asked.raw, model=loaded.name, length=asked.length, words=words,
                                sampler=asked.sampler, seed=asked.seed, parameters=parameters,
                                constraint=parse_constraint(asked.constraint),
                                cache=parse_cache(asked.cache, asked.cache_set),
                                special_tokens=asked.special_tokens, add_special_tokens=asked.add_special_tokens)
        yield client, loaded, session
        if asked.server:
            session.delete()


def prompt_from(prompt: str | None, tokens: str | None) -> str | list[int]:
    """The prompt that was asked for; exactly one of the two forms."""
    if (prompt is None) == (tokens is None):
        raise ValueError("give a prompt or --tokens, one of the two")
    if prompt is None:
        assert tokens is not None
        try:
            ids = [int(token) for token in tokens.split(",") if token.strip()]
        except ValueError:
            raise ValueError(f"--tokens must be whole numbers with commas between them; got {tokens!r}") from None
        for id in ids:
            if not 0 <= id <= MAX_ID:
                raise ValueError(f"--tokens must be ids from 0 to the vocabulary's last; got {id}")
        return ids
    return sys.stdin.read() if prompt == "-" else prompt


def parse_cache(name: str, parameters: Sequence[str]) -> str | dict[str, object]:
    """A policy's name with its parameters."""
    if not parameters:
        return name
    if not name:
        raise ValueError("--cache-set needs --cache to say whose parameter it is")
    return {**dict(parse_parameter(text, "--cache-set") for text in parameters), "name": name}


def parse_parameter(text: str, option: str = "--set") -> tuple[str, object]:
    """name=value; the value is JSON where it reads as such (8, 0.5, true, null), else a word."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{option} must be name=value; got {text!r}")
    try:
        read = json.loads(value)
    except json.JSONDecodeError:
        return name, {"True": True, "False": False, "None": None}.get(value, value)
    if isinstance(read, int) and abs(read) > 2**53:
        raise ValueError(f"--set {name}: whole numbers must be from -2**53 to 2**53; got one of {len(value)} digits")
    return name, read


def parse_id(text: str) -> tuple[str, int]:
    """role=id."""
    role, _, value = text.partition("=")
    if not value.isdecimal() or int(value) > MAX_ID:
        raise ValueError(f"--id must be mask, eos, eot or pad, then = and a token id; got {text!r}")
    return role, int(value)


def parse_words(texts: list[str]) -> dict[int, str]:
    """position:word of each; within the text a word begins with a space."""
    words = {}
    for text in texts:
        position, _, word = text.partition(":")
        word = word.strip()
        if not position.strip().isdecimal() or int(position) > MAX_ID or not word:
            raise ValueError(f"--word must be position:word, such as 5:upon; got {text!r}")
        if int(position) in words:
            raise ValueError(f"--word names position {int(position)} twice")
        words[int(position)] = f" {word}" if int(position) else word
    return words


def parse_constraint(text: str) -> dict[str, object] | None:
    """kind=pattern, or kind=@file; None for an empty one."""
    if not text:
        return None
    kind, equals, pattern = text.partition("=")
    if not equals or kind not in CONSTRAINTS:
        raise ValueError(f"--constraint must be one of {', '.join(CONSTRAINTS)}, then = and the pattern; got {text!r}")
    if pattern.startswith("@"):
        try:
            pattern = Path(pattern[1:]).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--constraint: {pattern[1:]!r} cannot be read: {error}") from None
        if kind == "regex":  # editors end a file's last line too; what the pattern shall match there is written as \n
            pattern = pattern.removesuffix("\n")
    return {kind: [line for line in pattern.splitlines() if line] if kind == "choice" else pattern}


def filled_prompt(session: unmask.Session) -> list[int]:
    """The prompt's tokens where it had holes, which are a part of the answer; none where it had no holes."""
    begun = session.get(0)
    holes = OPEN in begun.canvas.states[:begun.prompt_length]
    return list(session.get().canvas.tokens[:begun.prompt_length]) if holes else []


def until_end(tokens: Sequence[int | None], model: Model) -> Sequence[int | None]:
    """The tokens before the first that ends the turn or the text."""
    return tokens[:next((index for index, token in enumerate(tokens) if token in model.end_tokens), len(tokens))]


@contextmanager
def client_for(server: str) -> Iterator[unmask.Client]:
    """A client of the server at that address, or of one inside this process."""
    if server:
        with unmask.connect(server) as client:
            yield client
        return
    from inference_service.config import Config
    from inference_service.local import running  # torch takes seconds to import: only when it is needed

    config = Config(host="127.0.0.1", port=0, store=":memory:", model_policy="local", model="embedded")
    with running(config) as local, unmask.connect(local.address) as client:
        yield client


def load(client: unmask.Client, name: str, dtype: str, token_ids: dict[str, int], console: Console,
         family: str = "") -> Model:
    """The model, loaded if it is not there yet."""
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("loading")

        def show(response: LoadModelResponse) -> None:
            phase = LoadModelResponse.Phase.Name(response.phase).removeprefix("PHASE_").lower().replace("_", " ")
            bar.update(task, description=phase, total=response.total or None, completed=response.done)

        while True:
            try:
                return client.load(name, dtype, token_ids, show, family)
            except unmask.UnmaskError as error:
                if error.reason != "MODEL_LOADING":
                    raise
                bar.update(task, description="another model is loading")
                time.sleep(1)


def run(session: unmask.Session, console: Console, draft: bool = False) -> tuple[int, Summary, list[str]]:
    """Runs to the end; the number of steps, the last one's summary, and what any step approximated.

    draft: have every frame's draft kept.
    """
    steps, summary, approximations = 0, Summary(), set[str]()
    most: Any = dict(session.get().settings.parameters).get("max_tokens")  # of a model that reads from left to right
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("writing" if most else "unmasking", total=most)
        for frame in session.step(draft=draft):
            steps, summary = steps + 1, frame.summary
            approximations.update(summary.approximations)
            if most:
                bar.update(task, completed=steps)
                continue
            # What is open again lets the bar go back.
            total = bar.tasks[task].total or summary.open_count + len(frame.changes)
            bar.update(task, total=total, completed=total - summary.open_count)
    return steps, summary, sorted(approximations)
