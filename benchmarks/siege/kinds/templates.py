"""What a checkpoint brings to run on texts: its chat template and its tokenizer's rules."""

from benchmarks.siege import tiny
from benchmarks.siege.attack import WAIT, Broken, Siege, attack
from benchmarks.siege.kinds.constraints import BOUND, DEADLINE, LATE
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb


def chat(siege: Siege, template: str) -> str:
    """Loads a checkpoint with a chat template and opens a session with a chat."""
    folder, name = tiny.place(siege, "template")
    tiny.llada(folder)
    tiny.with_tokenizer(folder, template)
    load = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), WAIT)
    if not load.ok:
        return f"not loaded: {load.message[:120]}"
    siege.begin()
    made = pb.CreateSessionRequest(model=name, length=8)
    made.prompt.chat.messages.add(role="user", content="Hello")
    end = siege.ask(siege.client.sessions.CreateSession, made, DEADLINE)
    if end.seconds > DEADLINE + LATE:
        raise Broken(f"it took {end.seconds:.1f} s with a deadline of {DEADLINE:g}")
    return end.message[:120]


@attack("the sandbox", BOUND, waits=0.1)
def template_with_two_long_loops(siege: Siege) -> str:
    """A chat template with two nested loops of 100,000."""
    return chat(siege, "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}x")


@attack("the sandbox", BOUND, waits=0.1)
def template_with_a_wide_format(siege: Siege) -> str:
    """A chat template of `{{ '%999999999d' % 1 }}`: a gigabyte of spaces."""
    return chat(siege, "{{ '%999999999d' % 1 }}")


@attack("the sandbox", BOUND, waits=0.1)
def templates_that_grow_or_reach_out(siege: Siege) -> None:
    """Five more templates: a text doubled 40 times, powers of powers, a class's attributes, recursion, a long join."""
    for template in ("{% set ns = namespace(x='x') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"
                     "{{ ns.x }}",
                     "{{ 9 ** 9 ** 9 }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}",
                     "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ (['x' * 1000000] * 2000) | join }}"):
        chat(siege, template)


@attack("the sandbox", BOUND, waits=0.1)
def tokenizer_rule_that_explodes(siege: Siege) -> str:
    """A tokenizer whose pre-tokenizer is `(a+)+$`, and a text of 40 a and a b."""
    folder, name = tiny.place(siege, "tokenizer")
    tiny.llada(folder)
    tiny.with_tokenizer(folder, pattern="(a+)+$")
    load = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), WAIT)
    if not load.ok:
        return f"not loaded: {load.message[:120]}"
    siege.begin()
    end = siege.ask(siege.client.models.Tokenize, models_pb.TokenizeRequest(model=name, text="a" * 40 + "b"), DEADLINE)
    if end.seconds > DEADLINE + LATE:
        raise Broken(f"it took {end.seconds:.1f} s with a deadline of {DEADLINE:g}")
    return end.message[:120]
