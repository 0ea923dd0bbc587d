"""Where undo and redo go and which branches there are: by example, and against brute force on random trees."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inference_service.sessions.frame import Cause
from inference_service.sessions.tree import Tree


def tree(*parents):
    """A tree from the parents of revisions 1 and later; a negative one is a rewind's: -3 goes back to 3."""
    made = Tree([(-1, Cause.CREATE)])
    for parent in parents:
        made.add(abs(parent), Cause.REWIND if parent < 0 else Cause.STEP)
    return made


def back(made, revision=None):
    """Rewinds to a revision, by default where undo goes; returns the place that one is at then."""
    made.add(made.undo() if revision is None else revision, Cause.REWIND)
    return made.place(len(made) - 1)


def on(made):
    made.add(made.redo(), Cause.REWIND)
    return made.place(len(made) - 1)


def step(made):
    made.add(len(made) - 1, Cause.STEP)
    return len(made) - 1


# ---- undo and redo ----

def test_at_the_beginning_there_is_nothing_to_undo_or_redo():
    assert (tree().undo(), tree().redo()) == (None, None)
    assert tree(0, 1).redo() is None


def test_undo_goes_back_one_by_one_and_redo_all_the_way_again():
    made = tree(0, 1, 2, 3)
    assert [back(made) for _ in range(4)] == [3, 2, 1, 0]
    assert made.undo() is None
    assert [on(made) for _ in range(4)] == [1, 2, 3, 4]
    assert made.redo() is None
    assert [back(made), on(made), back(made), back(made), on(made)] == [3, 4, 3, 2, 3]


def test_a_change_after_an_undo_is_a_branch_and_takes_redo_with_it():
    made = tree(0, 1, 2)
    back(made), back(made)
    branch = step(made)
    assert (made.undo(), made.redo()) == (1, None)
    assert back(made) == 1
    assert on(made) == branch, "not 2, where one was before"
    assert [line.leaf for line in made.lines()] == [branch, 3]


def test_redo_after_a_rewind_leads_to_where_it_came_from():
    made = tree(0, 1, 2, 3)
    back(made, 1)
    assert [on(made) for _ in range(3)] == [2, 3, 4]


def test_redo_after_a_rewind_from_another_branch_leads_back_to_that_branch():
    """Though the fork was last left by way of the other one."""
    made = tree(0, 1, 2, -1, 4, 5)  # 0 1 2 3, and 1 5 6
    assert back(made, 3) == 3
    back(made, 1)
    assert on(made) == 2
    assert on(made) == 3


def test_redo_after_a_step_from_an_old_branch_leads_back_to_it():
    made = tree(0, 1, 2, -1, 4, 5)
    made.add(3, Cause.STEP)  # from_revision
    back(made, 1)
    assert [on(made) for _ in range(3)] == [2, 3, 7]


def test_a_rewind_to_a_rewind_stands_where_that_one_stands():
    made = tree(0, 1, -1, -3)
    assert (made.place(4), made.parent(4)) == (1, 3)
    assert (made.undo(), made.redo()) == (0, 2)
    made.add(4, Cause.STEP)
    assert made.parent_place(5) == 1
    assert made.undo() == 1


def test_a_rewind_to_where_one_stands_already_loses_no_redo():
    made = tree(0, 1, 2)
    back(made), back(made)
    back(made, 1)
    assert (made.undo(), made.redo()) == (0, 2)


# ---- branches ----

def test_a_line_without_forks_is_one_branch():
    line, = tree(0, 1, -1, -2).lines()
    assert (line.leaf, line.fork, line.own) == (2, 0, (2, 1, 0))


def test_branches_belong_to_the_older_as_far_as_they_share():
    made = tree(0, 1, 1, 3, 3, 0)
    assert [(line.leaf, line.fork, line.own) for line in made.lines()] == [
        (6, 0, (6,)), (5, 3, (5,)), (4, 1, (4, 3)), (2, 0, (2, 1, 0))]
    assert [made.line_of(revision).leaf for revision in range(7)] == [2, 2, 2, 4, 4, 5, 6]


def test_the_current_branch_is_the_one_last_come_to():
    made = tree(0, 1, 1, 0)
    assert made.current().leaf == 4
    back(made, 1)
    assert made.current().leaf == 3
    back(made, 2), back(made)
    assert made.current().leaf == 2
    back(made, 0)
    assert made.current().leaf == 2
    assert made.line_of(0).leaf == 2


# ---- brute force ----

class Oracle:
    """The same from a plain list of (parent, is a rewind)."""

    def __init__(self, revisions):
        self.revisions = revisions
        self.size = len(revisions)

    def place(self, revision):
        while self.revisions[revision][1]:
            revision = self.revisions[revision][0]
        return revision

    def above(self, place):
        parent = self.revisions[place][0]
        return -1 if parent < 0 else self.place(parent)

    def path(self, place):
        """A place and those that it comes from, newest first."""
        found = [place]
        while self.above(found[-1]) >= 0:
            found.append(self.above(found[-1]))
        return found

    def undo(self):
        found = self.above(self.place(self.size - 1))
        return None if found < 0 else found

    def redo(self, place=None):
        """The next place on the way to where one was last, of all that comes from here."""
        place = self.place(self.size - 1) if place is None else place
        for revision in reversed(range(self.size)):
            path = self.path(self.place(revision))
            if place in path[1:]:
                return path[path.index(place) - 1]
        return None

    def children(self, place):
        return [other for other in range(self.size) if self.place(other) == other and self.above(other) == place]

    def line(self, leaf):
        path = self.path(leaf)
        own = [leaf]
        for at, above in zip(path, path[1:], strict=False):
            if self.children(above)[0] != at:
                return leaf, above, tuple(own)
            own.append(above)
        return leaf, 0, tuple(own)

    def lines(self):
        return [self.line(place) for place in reversed(range(self.size))
                if self.place(place) == place and not self.children(place)]

    def line_of(self, revision):
        place = self.place(revision)
        while self.children(place):
            place = self.children(place)[0]
        return self.line(place)

    def current(self):
        place = self.place(self.size - 1)
        while (further := self.redo(place)) is not None:
            place = further
        return self.line(place)

    def common(self, one, other):
        shared = set(self.path(self.place(one))) & set(self.path(self.place(other)))
        return max(shared)


def told(line):
    return line.leaf, line.fork, line.own


def check(made, oracle):
    assert made.undo() == oracle.undo()
    assert made.redo() == oracle.redo()
    assert list(map(told, made.lines())) == oracle.lines()
    assert told(made.current()) == oracle.current()
    for revision in range(oracle.size):
        assert made.place(revision) == oracle.place(revision)
        assert told(made.line_of(revision)) == oracle.line_of(revision)
        assert list(made.way(revision))[-1] == 0
        for other in range(oracle.size):
            assert made.common(revision, other) == oracle.common(revision, other)


class Walk(RuleBasedStateMachine):
    """Steps, branches, rewinds, undo and redo in any order."""

    def __init__(self):
        super().__init__()
        self.made = Tree([(-1, Cause.CREATE)])
        self.revisions = [(-1, False)]

    def add(self, parent, rewind):
        self.made.add(parent, Cause.REWIND if rewind else Cause.EDIT)
        self.revisions.append((parent, rewind))

    @rule()
    def step(self):
        self.add(len(self.revisions) - 1, False)

    @rule(data=st.data(), rewind=st.booleans())
    def from_anywhere(self, data, rewind):
        self.add(data.draw(st.integers(0, len(self.revisions) - 1)), rewind)

    @rule(times=st.integers(1, 4))
    def undo(self, times):
        for _ in range(times):
            if self.made.undo() is not None:
                self.add(self.made.undo(), True)

    @rule(times=st.integers(1, 4))
    def redo(self, times):
        for _ in range(times):
            if self.made.redo() is not None:
                self.add(self.made.redo(), True)

    @rule()
    def undo_and_redo_are_each_others_inverse(self):
        here = self.made.place(len(self.revisions) - 1)
        if self.made.undo() is not None:
            self.add(self.made.undo(), True)
            self.add(self.made.redo(), True)
            assert self.made.place(len(self.revisions) - 1) == here

    @invariant()
    def it_is_as_brute_force_says(self):
        check(self.made, Oracle(self.revisions))


Walk.TestCase.settings = settings(max_examples=60, stateful_step_count=14, deadline=None)
TestWalk = Walk.TestCase


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), max_size=14))
def test_random_trees_read_at_once(drawn):
    revisions = [(-1, False), *((parent % (at + 1), rewind) for at, (parent, rewind) in enumerate(drawn))]
    made = Tree((parent, Cause.REWIND if rewind else Cause.STEP if parent >= 0 else Cause.CREATE)
                for parent, rewind in revisions)
    check(made, Oracle(revisions))


def test_a_long_line_is_no_recursion_and_quick():
    """A session of very many revisions: what is asked takes one walk."""
    made = tree(*range(50_000))
    assert (made.undo(), made.redo()) == (49_999, None)
    assert made.current().leaf == 50_000
    assert made.common(50_000, 7) == 7
    back(made, 7)
    assert made.redo() == 8
