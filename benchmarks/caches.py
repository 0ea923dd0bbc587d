"""What caches save: ``python -m benchmarks.caches``.

A LLaDA of 60 million random weights writes 128 tokens in blocks of 32, four in a pass, here and by the plain loops of
benchmarks/peers, in turns and in one run; process time on one thread, so that what else runs does not count. Writes
benchmarks/results/caches.json; exits with 1 where a cache is not as much faster than the plain loop as is asked.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median

import torch
import transformers
from rich.console import Console
from rich.table import Table

from benchmarks.peers import fast_dllm
from inference_service.engine import decoding
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.sessions.frame import CacheChoice, Settings

RESULTS = Path(__file__).parent / "results" / "caches.json"
SHAPE = {"hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 8,
         "intermediate_size": 1536, "vocab_size": 32_000, "max_position_embeddings": 1024}
LENGTH, BLOCK = 128, 32
PROMPTS = (128, 512)
CACHES = (None, "prefix", "dual")
STEPS = 32
ROUNDS = 2
LEAST = 1.25  # times faster than the plain loop, with a cache


def main() -> None:
    torch.set_num_threads(1)
    model, denoiser = made()
    network = fast_dllm.Network(model)
    measured = [measure(denoiser, network, prompt, cache) for prompt in PROMPTS for cache in CACHES]
    table = Table("prompt", "cache", "here, ms a pass", "plain loop, ms a pass", "times faster", "passes")
    for one in measured:
        table.add_row(str(one["prompt"]), one["cache"], f"{one['here']:.1f}", f"{one['plain']:.1f}",
                      f"{one['plain'] / one['here']:.2f}", str(one["passes"]))
    Console().print(table)
    RESULTS.write_text(json.dumps({"threads": 1, "rounds": ROUNDS, "shape": SHAPE, "milliseconds": measured}, indent=1)
                       + "\n")
    slow = [f"{one['cache']} at a prompt of {one['prompt']}: {one['plain'] / one['here']:.2f}" for one in measured
            if one["cache"] != "none" and one["plain"] / one["here"] < LEAST]
    sys.exit(f"less than {LEAST} times faster: {'; '.join(slow)}" if slow else 0)


def made() -> tuple[transformers.LlamaForCausalLM, Denoiser]:
    """The model as a stock class and as it is served."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SHAPE)
    config.is_causal = False
    model = transformers.LlamaForCausalLM(config).eval().requires_grad_(False)
    mask = config.vocab_size - 1
    return model, Denoiser(ModelInfo(
        name="random", family="llada", parameter_count=model.num_parameters(), dtype="float32", device="cpu",
        context_length=config.max_position_embeddings, vocabulary_size=config.vocab_size, mask_token=mask,
        eos_token=None, eot_token=None, pad_token=None, forbidden_tokens=(mask,), checkpoint_hash=""), model)


def measure(denoiser, network: fast_dllm.Network, size: int, cache: str | None) -> dict:
    prompt = [(7919 * place * place + 31 * place + 5) % (SHAPE["vocab_size"] - 8) for place in range(size)]
    settings = Settings("llada", {"block_length": BLOCK, "steps": STEPS}, 0,
                        cache=CacheChoice(cache, {}) if cache else None)
    here: list[float] = []
    plain: list[float] = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        ours, = decoding.together([decoding.decode(denoiser, prompt, LENGTH, settings)])
        here.append((time.process_time() - begun) / ours.forwards * 1e3)
        begun = time.process_time()
        theirs = fast_dllm.decode(network, prompt, LENGTH, BLOCK, denoiser.info.mask_token, cache, STEPS)
        plain.append((time.process_time() - begun) / theirs.forwards * 1e3)
        if ours.forwards != theirs.forwards:
            raise AssertionError(f"{ours.forwards} passes here, {theirs.forwards} by the plain loop")
    return {"prompt": size, "cache": cache or "none", "here": round(median(here), 2), "plain": round(median(plain), 2),
            "passes": ours.forwards, "tokens that differ": sum(
                one != other for one, other in zip(ours.tokens, theirs.tokens, strict=True))}


if __name__ == "__main__":
    main()
