"""Values at the edges of what a field can hold, and valid ones for fields that are known by name."""

from __future__ import annotations

from random import Random

WHOLE = (0, 1, -1, 2, 7, 63, 64, 65, 100, 101, 200, 201, 255, 256, 257, 767, 768, 1024, 1025, 4096, 65_536, 10**6,
         10**6 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -2**31, -2**63)
REAL = (0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 1e-300, 5e-324, 1e300, 1.7e308, float("nan"), float("inf"), float("-inf"),
        2.0**53, -1e-9, 10.0, 1e9)
TEXTS = (
    "", " ", "\0", "a\0b", "\n", "\t\r\n", "\x1b[2J", "\x7f", "é", "e\u0301" * 40, "\u202eright to left", "\ufeff",
    "\uffff", "\ufffd", "\U0010ffff", "👩‍👩‍👧‍👦" * 20, "ﷺ" * 300, "İ", "ß", "𝔘" * 64, "-1", "0", "1e999", "NaN",
    "null", "true", "[]", "{}", "../../../etc/passwd", "/etc/passwd", "/", ".", "..",
    "//", "C:\\con", "%s%s%n", "{0}{x}", "{{7*7}}",
    "{% for x in y %}", "${jndi:ldap://x}", "'; DROP TABLE frame; --", "<script>alert(1)</script>", "[[mask]]",
    "[[mask:0]]", "[[mask:256]]", "[[mask:257]]", "[[mask:99999999999999999999]]", "[[mask:-1]]", "[[mask:\u0663]]",
    "[[mask:", "<|endoftext|>", "<|mdm_mask|>", "embedded", "embedded ", "EMBEDDED", "embedded\0", "a/b", "a/b/c",
    "file:///etc", "https://example.invalid/x", "llada", "autoregressive", "x" * 64, "x" * 65, "x" * 81, "x" * 5000,
    "word " * 2000, "\u0300" * 3000, "(" * 500, "[" * 2000, "(a+)+$", "(a|a)*b", "a{1000}{1000}",
    "[^\\x00-\\U0010ffff]",     "start: start", "start: \"a\" start | \"b\"", '{"type": "object"',
    '{"type": "integer", "minimum": -9223372036854775808}',
    '{"$ref": "#"}', '{"enum": []}', '{"type": "string", "pattern": "(a+)+$"}', '{"type": ["array", 5]}', 
    "[" * 300 + "]" * 300,
)
LONGEST = 100_000
# What holds a live thing's name is filled from the world; see `mutate.World`.
SAMPLERS = ("llada", "dream", "left_to_right", "fast_dllm", "predict_remask", "remdm", "p2", "ranked", "klass",
            "token_editing", "autoregressive", "entropy_bound")
PARAMETERS = ("temperature", "steps", "top_k", "top_p", "block_length", "cfg_scale", "count", "threshold", "rule",
              "rho", "iterations", "remasking", "alg", "repetition_penalty", "suffix_window", "max_tokens", "stop",
              "seed", "strategy", "early_stop", "protect_edits")
# Fields that a valid request has nearly always, and numbers that are right: of a canvas of 22 positions, 6 of a prompt.
NEEDED = {"session_id", "other_session_id", "prompt", "ids", "id", "edits", "texts", "text", "selections", "content",
          "positions", "position", "role", "messages", "method", "name", "samples"}
NUMBERS = {
    **dict.fromkeys(("position", "positions", "candidate_positions", "sources"), range(6, 22)),
    **dict.fromkeys(("revision", "from_revision", "after_revision", "other_revision"), (0, 0, 1)),
    "expected_revision": (0, 2), "token": range(20, 700), "ids": range(20, 700), "length": range(1, 32),
    "count": (0, 1, 2, 3),     "samples": (1, 2), "rounds": (1, 2), "steps": (1, 4), "offset": (0, 4),
}
GRAMMARS = {
    "regex": ("[a-z]{1,8}", "yes|no", "[1-9][0-9]{0,3}"),
    "grammar": ('start: "yes" | "no"', 'start: word\nword: /[a-z]+/'),
    "json_schema": ('{"type": "boolean"}', '{"enum": ["a", "b"]}', '{"type": "integer", "minimum": 0, "maximum": 9}'),
}


def text(random: Random) -> str:
    """A text at some edge; now and then a long one, or several in one."""
    kind = random.random()
    if kind < 0.05:
        return random.choice("x a\n{[(é𝔘") * random.choice((1000, 10_000, LONGEST))
    if kind < 0.2:
        return "".join(random.choice(TEXTS)[:200] for _ in range(random.randrange(2, 5)))
    if kind < 0.3:
        return "".join(chr(random.choice((random.randrange(1, 0xd7ff), random.randrange(0xe000, 0x10ffff))))
                       for _ in range(random.randrange(1, 50)))
    return random.choice(TEXTS)


def whole(random: Random, low: int, high: int) -> int:
    """A whole number from low to high, most often at an edge."""
    if random.random() < 0.2:
        return random.randint(low, high)
    return random.choice([number for number in WHOLE if low <= number <= high] + [low, high])


def real(random: Random) -> float:
    return random.choice(REAL) if random.random() < 0.8 else random.uniform(-1e6, 1e6)


def data(random: Random) -> bytes:
    size = random.choice((0, 1, 2, 16, 1000, 70_000))
    return random.choice((random.randbytes(size), b"\0" * size, b"\xff" * size, b"\x1f\x8b" + random.randbytes(size)))
