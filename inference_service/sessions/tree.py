"""The tree that a session's revisions make: where one is, where undo and redo go, which branches there are.

A rewind is a revision too, but no place of its own: it stands where its parent stands. So the places are the
revisions that are not rewinds, and the branches are the places that nobody went on from.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inference_service.sessions.frame import Cause

NONE = -1


@dataclass(frozen=True)
class Line:
    """A branch. leaf: its newest place. fork: the place where it left an older branch; 0 for the oldest.

    own: its places behind the fork, newest first; those of the oldest reach back to 0.
    """

    leaf: int
    fork: int
    own: tuple[int, ...]


class Tree:
    """The revisions of a session without what is in them. Only ever added to."""

    def __init__(self, revisions: Iterable[tuple[int, Cause]] = ()):
        self._parents = array("q")
        self._places = array("q")
        self._children: dict[int, list[int]] = {}  # place to the places made from it, oldest first
        for parent, cause in revisions:
            self.add(parent, cause)

    def __len__(self) -> int:
        return len(self._parents)

    def add(self, parent: int, cause: Cause) -> None:
        """The next revision."""
        revision = len(self._parents)
        self._parents.append(parent)
        self._places.append(self._places[parent] if cause is Cause.REWIND else revision)
        place = self._places[revision]
        above = self.parent_place(place)
        if place == revision and above != NONE:
            self._children.setdefault(above, []).append(place)

    def parent(self, revision: int) -> int:
        """The revision that it was made from; -1 for revision 0."""
        return self._parents[revision]

    def place(self, revision: int) -> int:
        """The revision that first had this one's canvas: a rewind has its target's."""
        return self._places[revision]

    def parent_place(self, place: int) -> int:
        """The place that a place was made from, -1 for 0."""
        parent = self._parents[place]
        return NONE if parent == NONE else self._places[parent]

    def way(self, revision: int) -> Iterator[int]:
        """A revision and its ancestors, newest first."""
        while revision != NONE:
            yield revision
            revision = self._parents[revision]

    # ---- undo and redo ----

    def undo(self) -> int | None:
        """The place one back from the newest revision, None at the beginning."""
        back = self.parent_place(self._places[len(self) - 1])
        return None if back == NONE else back

    def redo(self) -> int | None:
        """The next place on the way back to where one was last, None where nothing was made from here."""
        way = self._way_back(self._places[len(self) - 1])
        return way[-1] if way else None

    def _way_back(self, place: int) -> list[int]:
        """From the place, of those made from one, where one was last, up to the child of that one; [] if none was."""
        outside: set[int] = set()
        newest = len(self) - 1 if place in self._children else NONE
        for revision in range(newest, place, -1):
            way, at = [], self._places[revision]
            while at > place and at not in outside:  # a parent's place is always older
                way.append(at)
                at = self.parent_place(at)
            if at == place and way:
                return way
            outside.update(way)
        return []

    # ---- branches ----

    def lines(self) -> list[Line]:
        """Every branch, the one with the newest leaf first."""
        leaves = [place for place in range(len(self)) if self._places[place] == place and place not in self._children]
        return [self._line_to(leaf) for leaf in reversed(leaves)]

    def line_of(self, revision: int) -> Line:
        """The branch that a revision is on; one that several share belongs to the oldest of them."""
        leaf = self._places[revision]
        while leaf in self._children:
            leaf = self._children[leaf][0]
        return self._line_to(leaf)

    def current(self) -> Line:
        """The branch that the newest revision is on; of several, the one that was last come to."""
        leaf = self._places[len(self) - 1]
        while way := self._way_back(leaf):
            leaf = way[0]
        return self._line_to(leaf)

    def _line_to(self, leaf: int) -> Line:
        own, at = [leaf], leaf
        while (above := self.parent_place(at)) != NONE and self._children[above][0] == at:
            own.append(above)
            at = above
        return Line(leaf, max(above, 0), tuple(own))

    def common(self, one: int, other: int) -> int:
        """The newest place that two revisions both come from."""
        one, other = self._places[one], self._places[other]
        while one != other:  # a parent's place is always older
            if one > other:
                one = self.parent_place(one)
            else:
                other = self.parent_place(other)
        return one
