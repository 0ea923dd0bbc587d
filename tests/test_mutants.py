"""The changes that `make mutants` makes of a file, and the tests that it gives each to."""

from benchmarks.mutants.__main__ import SECONDS, candidates, given
from benchmarks.mutants.changes import Change, changes
from tests.test_imports import ROOT


def made(source: str) -> set[tuple[str, str]]:
    return {(change.before, change.after) for change in changes("a.py", source.encode())}


def test_a_comparison_moves_by_one_and_a_condition_turns_round():
    found = made("def f(a, b):\n    if a < 3 and b:\n        return not a\n")
    both = "a < 3 and b"
    assert found == {("a < 3", "(a <= 3)"), (both, "(a < 3 or b)"), (both, "(not (a < 3 and b))"), ("3", "4"),
                     ("not a", "(a)"), ("return not a", "return None")}


def test_what_is_no_behaviour_is_left_as_it_is():
    assert made('LIMIT = 3\n\n@cached(size=2)\ndef f(a: "x + 1" = 5) -> int | None:\n    """Adds 1."""\n'
                '    assert a > 0\n    log.info("%d", a + 1)\n    kept: int | None\n    raise ValueError(1)\n') == set()


def test_every_place_of_a_property_a_method_and_an_inner_function_is_changed_once():
    source = b"class A:\n    @p\n    def a(self):\n        def b():\n            return 1 + 2\n        return b\n"
    found = [change for change in changes("a.py", source) if change.before == "1 + 2"]
    assert [(change.line, change.function) for change in found] == [(5, 4)]
    assert changes("a.py", source)[0].function in (2, 4)


def test_bytes_are_counted_where_letters_have_several():
    change, = (one for one in changes("a.py", "def f(é):\n    return é == 2\n".encode()) if one.before == "é == 2")
    assert change.applied("def f(é):\n    return é == 2\n".encode()).decode() == "def f(é):\n    return (é != 2)\n"


def test_a_change_of_the_code_leaves_a_file_that_differs_and_can_be_compiled():
    """Of the real files, so that whatever is written there is understood."""
    every = candidates(ROOT)
    assert len(every) > 2000
    assert all(change.before != change.after for change in every)
    for change in every[::40]:
        compile(change.applied((ROOT / change.path).read_bytes()), change.path, "exec")


def test_a_change_is_given_to_the_quickest_tests_that_enter_its_function_one_of_each_kind_first():
    change = Change("a.py", 9, 0, 1, "", 7, "x")
    known = {"slow": {"seconds": SECONDS - 6, "entered": ["a.py:7"], "shared": []},
             "quick[1]": {"seconds": 2, "entered": ["a.py:7"], "shared": []},
             "quick[2]": {"seconds": 3, "entered": ["a.py:7"], "shared": []},
             "fixture": {"seconds": 1, "entered": [], "shared": ["a.py:7"]},
             "other": {"seconds": 1, "entered": ["a.py:1", "b.py:7"], "shared": []}}
    assert given(change, known) == (["quick[1]", "slow", "quick[2]", "fixture"], SECONDS)
    known["slow"]["seconds"] = SECONDS - 1
    assert given(change, known) == (["quick[1]"], 2)
    assert given(change, {"slow": known["slow"]}) == (["slow"], SECONDS - 1)
