"""Constraints that break what compiles them."""

import json
import threading

from benchmarks.siege.attack import Broken, Client, Siege, attack, prompt, settings
from benchmarks.siege.ended import Ended, ask
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.constraint_pb2 import Constraint

DEADLINE = 5.0
LATE = 1.5  # seconds by which a call may end behind its deadline
BOUND = "frames, a typed refusal or the deadline; nobody else waits"
REFUSALS = ("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "DEADLINE_EXCEEDED")


def deep_arrays(depth: int) -> str:
    schema: dict = {"type": "boolean"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return json.dumps(schema)


def fan(count: int) -> str:
    """Definitions each of which names the next one twice."""
    definitions = {f"d{number}": {"type": "object", "required": ["a", "b"], "properties": {
        name: {"$ref": f"#/$defs/d{number + 1}"} for name in "ab"}} for number in range(count)}
    return json.dumps({"$ref": "#/$defs/d0", "$defs": definitions | {f"d{count}": {"type": "boolean"}}})


def slow(number: int) -> Constraint:
    """One whose automaton takes longer to make than any deadline here; each number another."""
    return Constraint(regex=f"(.{{0,{500 + number}}}a){{500}}")


def chain(count: int) -> str:
    """Rules each of which names the next."""
    rules = [f"r{number}: r{number + 1}" for number in range(count)]
    return "\n".join(["start: r0", *rules, f'r{count}: "a"'])


def constrained(siege: Siege, constraint: Constraint, timeout: float = DEADLINE, client: Client | None = None) -> Ended:
    """Opens a session with a constraint and makes a step."""
    calls = (client or siege.client).sessions
    made = pb.CreateSessionRequest(prompt=prompt(), length=32, settings=settings(constraint=constraint))
    end = siege.ask(calls.CreateSession, made, timeout)
    if end.ok:
        made.request_id = "again"
        session_id = calls.CreateSession(made, timeout=timeout).session.id
        end = siege.ask(calls.Step, pb.StepRequest(session_id=session_id, count=2), timeout)
    if end.seconds > timeout + LATE:
        raise Broken(f"it took {end.seconds:.1f} s with a deadline of {timeout:g}")
    if end.code not in REFUSALS:
        raise Broken(f"{end}: {end.message[:200]}")
    return end


def tried(siege: Siege, constraint: Constraint) -> str:
    """Both on a model of either kind."""
    end = constrained(siege, constraint)
    return end.message[:120]


@attack("the sandbox", BOUND, waits=0.1)
def schema_at_the_ends_of_64_bits(siege: Siege) -> str:
    """The JSON schema `{"type":"integer","minimum":-9223372036854775808,"maximum":-9223372036854775803}`."""
    return tried(siege, Constraint(
        json_schema='{"type":"integer","minimum":-9223372036854775808,"maximum":-9223372036854775803}'))


@attack("the sandbox", BOUND, waits=0.1)
def schema_of_32_nested_arrays(siege: Siege) -> str:
    """A JSON schema of 32 arrays of booleans, one within the other: 1 kB."""
    return tried(siege, Constraint(json_schema=deep_arrays(32)))


@attack("the sandbox", BOUND, waits=0.1)
def schema_whose_definitions_fan_out(siege: Siege) -> str:
    """A JSON schema of 40 `$defs`, each naming the next one twice."""
    return tried(siege, Constraint(json_schema=fan(40)))


@attack("the sandbox", BOUND, waits=0.1)
def grammar_of_a_chain_of_4000_rules(siege: Siege) -> str:
    """A grammar of 4,000 rules, each naming the next."""
    return tried(siege, Constraint(grammar=chain(4000)))


@attack("the sandbox", BOUND, waits=0.1)
def regexes_that_explode(siege: Siege) -> None:
    """Six regular expressions whose automata explode: nested repetition, classes of all of Unicode, deep groups."""
    for regex in ("(a|b|ab){1,1000}{1,1000}", "(.{0,500}a){500}", r"(\pL{1,200}\s){200}", "(" * 2000 + "a" + ")" * 2000,
                  "(x+x+)+y", "[a-z]*[^a]" * 300):
        constrained(siege, Constraint(regex=regex))


@attack("the sandbox", BOUND, waits=0.1)
def schemas_of_odd_kinds(siege: Siege) -> None:
    """A dozen more JSON schemas: recursive, empty, huge enumerations, deep JSON, patterns that explode, bad numbers."""
    for schema in ('{"$ref":"#"}', "{}", "[]", "true", "[" * 20_000,
                   '{"enum":[' + ",".join(map(str, range(50_000))) + "]}",
                   '{"type":"string","pattern":"(a|b|ab){1,1000}{1,1000}"}', '{"type":"string","minLength":100000000}',
                   '{"type":"array","minItems":100000000,"items":{"type":"boolean"}}', '{"multipleOf":1e-320}',
                   '{"type":"number","minimum":NaN}', json.dumps({"allOf": [{"type": "object"}] * 3000}),
                   json.dumps({"properties": {f"p{n}": {"type": "integer"} for n in range(3000)}})):
        constrained(siege, Constraint(json_schema=schema))


@attack("the sandbox", "ordinary constrained calls of another client are answered meanwhile, within 10 s", waits=0.1)
def slow_constraints_beside_an_ordinary_one(siege: Siege) -> str:
    """Eight clients with expressions that take their whole deadline, and one with `yes|no`."""
    beside = [threading.Thread(target=lambda n=n: siege.keep(ask(
        Client(siege.service.address).sessions.CreateSession, pb.CreateSessionRequest(
            prompt=prompt(), length=32, settings=settings(constraint=slow(n))), 10)))
        for n in range(8)]
    [thread.start() for thread in beside]
    client = Client(siege.service.address)
    ordinary = [constrained(siege, Constraint(regex=f"yes|no|{word}"), 10, client) for word in ("maybe", "never")]
    [thread.join() for thread in beside]
    if len(siege.ends) < len(beside) + len(ordinary):
        raise Broken("the slow ones were not sent")
    if not all(end.ok for end in ordinary):
        raise Broken(f"the ordinary calls: {', '.join(map(str, ordinary))}")
    return f"the ordinary calls took up to {max(end.seconds for end in ordinary):.1f} s"


@attack("the sandbox", "the child is gone within 2 s of the cancel", waits=0.1)
def constraint_that_is_cancelled(siege: Siege) -> str:
    """An expression that takes its whole deadline, cancelled after half a second."""
    from benchmarks.siege.kinds.waiting import busy, seconds_until

    made = pb.CreateSessionRequest(prompt=prompt(), length=32,
                                   settings=settings(constraint=slow(20)))
    siege.ask(siege.client.sessions.CreateSession, made, timeout=0.5)
    took = seconds_until(lambda: not busy(siege.service.pid), 10)
    if took is None or took > 2:
        raise Broken("the processor is still at it 2 s after the cancel")
    return f"at rest after {took:.1f} s"
