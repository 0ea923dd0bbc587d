"""The options of the commands that generate."""

from typing import Annotated

import typer

MAX_ID = 2**32 - 1  # the largest number that the API has a place for, where ids and positions go

Prompt = Annotated[str | None, typer.Argument(help="What to answer; - reads it from standard input.")]
Tokens = Annotated[str | None, typer.Option(help="The prompt as token ids: 5,9,2.")]
Raw = Annotated[bool, typer.Option("--raw", help="Take the prompt as it is, without the chat template.")]
SpecialTokens = Annotated[bool | None, typer.Option("--special-tokens/--no-special-tokens", help=(
    "Take names such as <|eot_id|> in prompt and words as these tokens, or as text; if left out, raw text has such"
    " tokens and all else is text."))]
AddSpecialTokens = Annotated[bool | None, typer.Option("--add-special-tokens/--no-add-special-tokens", help=(
    "Put around raw text what the checkpoint's tokenizer does, such as a beginning, or not; it is put if left out."))]
Model = Annotated[str, typer.Option(help="A name, a checkpoint folder or a hub id, or org/name@revision; empty takes"
                                        " the default.")]
Length = Annotated[int | None, typer.Option(min=0, max=MAX_ID, help="Positions to generate.")]
Word = Annotated[list[str], typer.Option(help="A word that stands at a position: 5:upon; repeatable.")]
Sampler = Annotated[str, typer.Option(help="The sampler; empty takes the model's first.")]
Set = Annotated[list[str], typer.Option("--set", help="A sampler parameter, as name=value; repeatable.")]
Constraint = Annotated[str, typer.Option(help="What the text must match: KIND=PATTERN, KIND=@FILE. Kinds: regex,"
                                              " grammar, json_schema, and choice with a text on each line.")]
Cache = Annotated[str, typer.Option(help="What is kept between forward passes, as `unmask caches` lists it; empty takes"
                                         " what is exact and costs least.")]
CacheSet = Annotated[list[str], typer.Option("--cache-set", help=(
    "A parameter of the cache, as name=value; repeatable."))]
Seed = Annotated[int | None, typer.Option(min=0, max=2**64 - 1, help="Where the randomness comes from.")]
Id = Annotated[list[str], typer.Option("--id", help="An id that the checkpoint cannot tell: eot=126348.")]
Family = Annotated[str, typer.Option(help="The family to decode it as, such as causal; recognised if left out.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]
Server = Annotated[str, typer.Option(help="host:port of a server; without it the model runs here.")]
