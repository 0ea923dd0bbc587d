"""Training's own forward pass is the one that serves: the stock Llama, without a causal mask or with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from embedded_model.export import llama_name
from embedded_model.network import Network, Shape
from tests.rounding import assert_same_logits

SMALL = Shape(vocab=40, width=32, layers=2, heads=4, mlp=48, context=24)
CAUSAL = replace(SMALL, causal=True)


def stock(network: Network, shape: Shape):
    """transformers' LlamaForCausalLM with the same weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocab,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.mlp,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=False,
    )
    config.is_causal = shape.causal
    state = {llama_name(name): tensor for name, tensor in network.state_dict().items()}
    llama = LlamaForCausalLM(config).eval()
    llama.load_state_dict(state)
    return llama


@pytest.mark.parametrize("shape", [SMALL, CAUSAL], ids=["both ways", "left to right"])
def test_logits_are_those_of_the_stock_llama(shape):
    torch.manual_seed(0)
    network = Network(shape).eval()
    for parameter in network.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    tokens = torch.randint(0, SMALL.vocab, (3, 20))
    real = torch.ones_like(tokens, dtype=torch.bool)
    real[1, 15:] = False
    with torch.inference_mode():
        ours = network(tokens, real).view(3, 20, -1)
        theirs = stock(network, shape)(tokens, attention_mask=real.long()).logits
    assert_same_logits(ours[real], theirs[real])


def test_only_the_wanted_rows_get_logits():
    network = Network(SMALL).eval()
    tokens = torch.randint(0, SMALL.vocab, (2, 12))
    wanted = torch.tensor([3, 17])
    with torch.inference_mode():
        assert_same_logits(network(tokens, wanted=wanted), network(tokens)[wanted])
