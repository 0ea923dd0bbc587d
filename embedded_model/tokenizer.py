"""The tokenizer: byte-level BPE of 768, trained on the corpus in seconds.

Its special tokens have LLaDA's names, so whatever looks for a mask, an end of
turn or an end of text finds them under the same names as in the 8B.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import corpus
from .corpus.words import COLOURS, NAMES, OBJECTS, PLACES

VOCABULARY = 768
BOS, EOS, MASK = "<|startoftext|>", "<|endoftext|>", "<|mdm_mask|>"
HEADER, HEADER_END, EOT = "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
SPECIALS = (BOS, EOS, MASK, HEADER, HEADER_END, EOT)

# Words with the space before them; digits and underscores alone, so that numbers
# and grids keep one token for each character.
PIECES = r" ?\p{L}+|\p{N}|_|\n+| ?[^\s\p{L}\p{N}_]+|\s"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first %}{{ bos_token }}{% endif %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{% endif %}"
)


def _texts(seed: int, samples: int) -> Iterator[str]:
    rng = Random(seed)
    for _ in range(samples):
        prompt, response = corpus.sample(rng)
        yield prompt
        yield response
        # The template's own words; the specials around them are cut out before BPE.
        yield from ("user", "assistant", "\n\n")
        # The world's words, at a line's start and inside it, should be one token each.
        word = rng.choice((*NAMES, *COLOURS, *OBJECTS, *PLACES))
        yield from (word, " " + word) * 2
    yield from ("system",) * samples


def train(seed: int = 0, samples: int = 20_000) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed, samples), trainer)
    return tokenizer


@cache
def shared() -> Tokenizer:
    """The tokenizer of this corpus, trained once in a process."""
    return train()


def chat(prompt: str, system: str | None = None) -> str:
    """A prompt as the chat template renders it, up to where the response starts."""
    turns = [("system", system)] if system is not None else []
    text = "".join(turn(role, content) for role, content in [*turns, ("user", prompt)])
    return BOS + text + f"{HEADER}assistant{HEADER_END}\n\n"


def turn(role: str, content: str) -> str:
    return f"{HEADER}{role}{HEADER_END}\n\n{content}{EOT}"


def save(tokenizer: Tokenizer, folder: Path, context: int) -> None:
    """Write tokenizer.json and tokenizer_config.json as transformers reads them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": EOS,
        "mask_token": MASK,
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
