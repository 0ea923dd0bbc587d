// What a run looks like as a moving picture, and what the page that it is saved as is called.
import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { pictured, shownInWords, startsOf, thinned } from "app/core/film.js";
import { titleOf } from "app/core/page-file.js";
import { frameOf, grow, plant } from "app/core/tree.js";

const session = (states = [GIVEN, GIVEN, OPEN, OPEN]) => ({ id: "s", model: "m", promptLength: 2, settings: null, tokens: states.map(() => 7), states });
const commit = (position) => ({ position, token: 20, probability: 0.5, given: false });
const give = (position) => ({ position, token: 30, probability: null, given: true });
const grown = (frames, states = undefined) => frames.map((said, at) => frameOf({ revision: at + 1, parent: at, cause: "step", ...said })).reduce(grow, plant(session(states)));
/** An answer of two, then a turn of one more given and two open. */
const TURN = { cause: "edit", splices: [{ position: 4, removed: 0, inserted: 3 }], promptLength: 5, changes: [give(4)] };

test("a picture begins at the first answer, and a turn does not move it", () => {
  const tree = grown([{ changes: [commit(2)] }, { changes: [commit(3)] }, TURN, { changes: [commit(5)] }]);
  assert.deepEqual([...tree.revisions[4].canvas.states], [GIVEN, GIVEN, GIVEN, GIVEN, GIVEN, COMMITTED, OPEN]);
  assert.deepEqual([...startsOf(tree, pictured(tree, 4)).values()], [2, 2, 2, 2, 2]);
});

test("a picture moves with what is put into the prompt, before and after a turn", () => {
  const put = { cause: "edit", splices: [{ position: 0, removed: 0, inserted: 1 }], changes: [give(0)] };
  const before = grown([put, { changes: [commit(3), commit(4)] }]);
  assert.deepEqual([...startsOf(before, [0, 1, 2]).values()], [2, before.revisions[1].canvas.promptLength, before.revisions[2].canvas.promptLength]);
  const after = grown([{ changes: [commit(2), commit(3)] }, TURN, put, { cause: "edit", splices: [{ position: 1, removed: 2, inserted: 0 }] }]);
  assert.deepEqual([...startsOf(after, [0, 1, 2, 3, 4]).values()], [2, 2, 2, 3, 1]);
});

test("of a prompt with holes all is pictured", () => {
  const tree = grown([{ changes: [commit(1)] }], [GIVEN, OPEN, OPEN, OPEN]);
  assert.deepEqual([...startsOf(tree, [0, 1]).values()], [0, 0]);
});

test("what a picture shows is told with its number", () => {
  const told = (tree, revision, most = 120) => {
    const { revisions, every } = thinned(pictured(tree, revision), most);
    return shownInWords(tree, revisions, every);
  };
  const line = grown([{}, {}, { cause: "rewind", parent: 1 }]);
  assert.equal(told(grown([]), 0), "It shows the one revision there is.");
  assert.equal(told(grown([{}, {}]), 2), "It shows all 3 revisions.");
  assert.equal(told(line, 2), "It shows all 3 revisions.");
  const branched = grown([{}, {}, { parent: 0 }]);
  assert.equal(told(branched, 3), "It shows the 2 revisions of this branch.");
  assert.equal(told(branched, 2), "It shows the 3 revisions of this branch.");
  assert.equal(told(grown([{}, {}, {}, {}]), 4, 3), "The run is long: it shows every 2nd revision and the last.");
});

test("a saved page is called as its prompt begins", () => {
  assert.equal(titleOf(" Tell\n me ", "m"), "Tell me · m · Unmask");
  assert.equal(titleOf("", "m"), "m · Unmask");
  assert.equal(titleOf("\u{1f600}".repeat(61), "m"), `${"\u{1f600}".repeat(60)}… · m · Unmask`);
});
