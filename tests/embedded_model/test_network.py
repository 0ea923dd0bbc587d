"""Training's own forward pass is the one that serves: the stock Llama without a causal mask."""

from __future__ import annotations

import torch

from embedded_model.network import Network, Shape

SMALL = Shape(vocab=40, width=32, layers=2, heads=4, mlp=48, context=24)


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
    config.is_causal = False
    names = {
        "wte": "model.embed_tokens",
        "ln_f": "model.norm",
        "ff_out": "lm_head",
        "attn_norm": "input_layernorm",
        "ff_norm": "post_attention_layernorm",
        "q_proj": "self_attn.q_proj",
        "k_proj": "self_attn.k_proj",
        "v_proj": "self_attn.v_proj",
        "attn_out": "self_attn.o_proj",
        "ff_proj": "mlp.gate_proj",
        "up_proj": "mlp.up_proj",
    }
    state = {}
    for name, tensor in network.state_dict().items():
        parts = name.split(".")
        if parts[0] == "blocks":
            inner = "mlp.down_proj" if parts[2] == "ff_out" else names[parts[2]]
            state[f"model.layers.{parts[1]}.{inner}.weight"] = tensor
        else:
            state[f"{names[parts[0]]}.weight"] = tensor
    llama = LlamaForCausalLM(config).eval()
    llama.load_state_dict(state)
    return llama


def test_logits_are_those_of_the_stock_llama_without_a_causal_mask():
    torch.manual_seed(0)
    network = Network(SMALL).eval()
    for parameter in network.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    tokens = torch.randint(0, SMALL.vocab, (3, 20))
    real = torch.ones_like(tokens, dtype=torch.bool)
    real[1, 15:] = False
    with torch.inference_mode():
        ours = network(tokens, real).view(3, 20, -1)
        theirs = stock(network, SMALL)(tokens, attention_mask=real.long()).logits
    torch.testing.assert_close(ours[real], theirs[real], atol=1e-5, rtol=1e-4)


def test_only_the_wanted_rows_get_logits():
    network = Network(SMALL).eval()
    tokens = torch.randint(0, SMALL.vocab, (2, 12))
    wanted = torch.tensor([3, 17])
    with torch.inference_mode():
        torch.testing.assert_close(network(tokens, wanted=wanted), network(tokens)[wanted])
