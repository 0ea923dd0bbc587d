"""Checkpoints that people have, and that are not what they seem: READY must mean that they work."""

from benchmarks.siege import tiny
from benchmarks.siege.attack import WAIT, Broken, Siege, attack
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

BOUND = "refused in words, or READY: then a text is written and every step, computed again, is the same"


def loaded_and_used(siege: Siege, name: str) -> str:
    """Loads a checkpoint; where that goes well, writes with it and computes every step again."""
    client = siege.client
    load = siege.ask(client.models.LoadModel, models_pb.LoadModelRequest(name=name), WAIT)
    if not load.ok:
        return f"not loaded: {load.message[:160]}"
    model = client.models.GetModel(models_pb.GetModelRequest(name=name), timeout=WAIT).model
    for length in (5, 40):
        session_id = client.create(length, model=name)
        step = siege.ask(client.sessions.Step, pb.StepRequest(session_id=session_id), WAIT)
        if not step.ok:
            raise Broken(f"READY, and its step ends in {step}: {step.message[:160]}")
        wrong = sum(answer.HasField("mismatch") for answer in client.sessions.Verify(
            pb.VerifyRequest(session_id=session_id), timeout=WAIT))
        if wrong:
            raise Broken(f"READY, and {wrong} of its steps come out otherwise when computed again")
    return f"READY as {model.family}, its steps come out the same"


@attack("a model", "refused, naming the tensor")
def weight_that_is_not_a_number(siege: Siege) -> str:
    """A checkpoint with one NaN in one weight."""
    folder, name = tiny.place(siege, "nan")

    def spoil(weights):
        weights["model.layers.1.mlp.up_proj.weight"][3, 5] = float("nan")

    tiny.causal(folder, "LlamaConfig", spoil)
    end = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), WAIT)
    if end.ok or "up_proj" not in end.message + end.details:
        raise Broken(f"{end}: {end.message[:200]}")
    return end.message[:160]


@attack("a model", BOUND)
def stray_sliding_window(siege: Siege) -> str:
    """A Llama whose config.json has a `sliding_window` of 4 that its class does not know."""
    folder, name = tiny.place(siege, "window")
    tiny.causal(folder, "LlamaConfig", told={"sliding_window": 4})
    return loaded_and_used(siege, name)


@attack("a model", BOUND)
def convolution_in_the_cache(siege: Siege) -> str:
    """An LFM2, which keeps a convolution's state in its cache."""
    folder, name = tiny.place(siege, "lfm2")
    tiny.causal(folder, "Lfm2Config", num_hidden_layers=2, layer_types=["conv", "full_attention"], block_dim=32,
                conv_dim=32, block_auto_adjust_ff_dim=False)
    return loaded_and_used(siege, name)


@attack("a model", BOUND)
def state_space_model(siege: Siege) -> str:
    """A Mamba, whose class takes no key-value cache at all."""
    folder, name = tiny.place(siege, "mamba")
    tiny.causal(folder, "MambaConfig", state_size=4)
    return loaded_and_used(siege, name)


@attack("a model", BOUND)
def cache_that_is_ignored(siege: Siege) -> str:
    """The first GPT, whose class ignores the cache that it is given."""
    folder, name = tiny.place(siege, "gpt")
    tiny.causal(folder, "OpenAIGPTConfig", n_positions=512, n_embd=32, n_layer=2, n_head=4)
    return loaded_and_used(siege, name)


@attack("a model", "refused in words, or READY and written with")
def vocabulary_of_two_sizes(siege: Siege) -> str:
    """A tokenizer whose ids reach beyond the model's vocabulary."""
    folder, name = tiny.place(siege, "small-vocabulary")
    tiny.causal(folder, "LlamaConfig", vocab_size=64)
    load = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), WAIT)
    if not load.ok:
        return f"not loaded: {load.message[:160]}"
    siege.ask(siege.client.models.Tokenize, models_pb.TokenizeRequest(model=name, text="A story about Nora."))
    made = pb.CreateSessionRequest(model=name, length=8)
    made.prompt.text = "A story about Nora."
    return str(siege.ask(siege.client.sessions.CreateSession, made))
