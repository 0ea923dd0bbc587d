"""Which states are kept so that none takes more than so many frames to fold: as frames come, and of a whole session."""

import pytest
from making import commit_step, create, open_sessions

EVERY = 4


@pytest.fixture
def turn(tmp_path):
    sessions = open_sessions(tmp_path / "s.sqlite3")
    session_id = create(sessions).session.origin.session_id
    with sessions.lease(session_id) as turn:
        yield turn


def grown(turn, base, count):
    """So many steps from a revision, each kept where it is due; the revisions that were."""
    kept, session = [], turn.session
    for number in range(count):
        due = session.base_due(base, EVERY)
        base = commit_step(turn, {4: number}, base=base).revision
        if due:
            session.keeps_base(base)
            kept.append(base)
    return kept


def test_of_a_line_every_fourth_is_kept_and_a_branch_counts_from_where_it_left(turn):
    assert grown(turn, 0, 13) == [4, 8, 12]
    assert grown(turn, 6, 7) == [15, 19]  # 14 is the third after 4
    assert grown(turn, 8, 4) == [24]
    assert turn.session.bases_for(EVERY) == [4, 8, 12, 15, 19, 24]


def test_of_a_whole_session_the_same_are_kept(turn):
    base = 0
    for parent, count in ((0, 13), (6, 7), (8, 4)):
        base = parent
        for number in range(count):
            base = commit_step(turn, {4: number}, base=base).revision
    assert turn.session.bases_for(EVERY) == [4, 8, 12, 15, 19, 24]
