// Frames that move positions, checked against rows of cells that know who they are.
import { test } from "node:test";
import assert from "node:assert/strict";
import { cameFrom, canvasOf, carried, COMMITTED, folded, GIVEN, OPEN, range } from "app/core/canvas.js";
import { draftColumns } from "app/core/drafts.js";
import { deedsOf, frameOf, grow, plant } from "app/core/tree.js";
import { earlierAt, weighingOf } from "app/core/weighing.js";

/** Two given positions, four open ones. */
const SESSION = { id: "s", model: "m", promptLength: 2, settings: null, tokens: [7, 8, 0, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN, OPEN] };
const change = ([position, token, given = false]) => ({ position, token, probability: null, given });
const frame = (revision, parent, cause, changes = [], more = {}) => frameOf({ revision, parent, cause, changes: changes.map(change), ...more });
const splice = (position, removed, inserted) => ({ position, removed, inserted });
const grown = (...frames) => frames.reduce(grow, plant(SESSION));
const positions = (column) => [...column].flatMap((mark, position) => (mark ? [position] : []));

/** Repeatable chance: mulberry32. */
function dice(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** What the proto says a frame does, on cells that carry their own marks: the slow and plain way. */
function told(row, prompt, { splices, changes, cause, promptLength, protected: kept, unprotected }) {
  const cells = row.map((cell) => ({ ...cell }));
  let end = prompt;
  for (const { position, removed, inserted } of splices) {
    const gone = cells.splice(position, removed, ...Array.from({ length: inserted }, () => ({ id: null, state: OPEN })));
    const before = gone.filter((_, i) => position + i < end).length;
    if (position < end) end += inserted - before;
  }
  const hand = cause !== "step";
  for (const { position, token, given } of changes) {
    const cell = cells[position];
    cell.token = token;
    cell.state = token === null ? OPEN : given ? GIVEN : COMMITTED;
    cell.hand = hand && token !== null && !given;
    if (hand && token === null) cell.kept = false;
  }
  if (promptLength !== null) {
    end = promptLength;
    cells.slice(0, end).filter(({ state }) => state !== OPEN).forEach((cell) => Object.assign(cell, { state: GIVEN, hand: false }));
  }
  for (const position of unprotected) cells[position].kept = cells[position].hand = false;
  for (const position of kept) cells[position].kept = true;
  return [cells, end];
}

function randomFrame(roll, revision, canvas) {
  const cause = roll(3) ? "edit" : "step";
  const splices = [];
  let length = canvas.length;
  for (let n = cause === "edit" ? roll(4) : 0, from = 0; n > 0; n--) {
    const position = from + roll(length - from + 1);
    const removed = Math.min(roll(3), length - position, length - 1);
    const inserted = roll(3);
    splices.push(splice(position, removed, inserted));
    length += inserted - removed;
    from = Math.min(position + inserted, length);
  }
  const sources = carried(range(canvas.length), splices);
  const touchable = (at) => cause === "edit" || sources[at] < 0 || (canvas.states[sources[at]] !== GIVEN && !canvas.protected[sources[at]]);
  const some = (odds, fits = (_at) => true) => range(length).filter((at) => fits(at) && roll(odds) === 0);
  const changes = some(4, touchable).map((position) => change([position, roll(3) ? 10 + roll(80) : null, false]));
  for (const one of changes) one.given = cause === "edit" && one.token !== null && roll(4) === 0;
  const promptLength = cause === "edit" && roll(6) === 0 ? roll(length + 1) : null;
  const more = cause === "edit" ? { protected: some(8), unprotected: some(8) } : {};
  return frameOf({ revision, parent: revision - 1, cause, splices, changes, promptLength, ...more });
}

test("however frames are put, every mark stays with its position", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const roll = dice(seed);
    let canvas = canvasOf(SESSION);
    /** @type {any[]} */
    let row = range(canvas.length).map((id) => ({ id, token: SESSION.tokens[id], state: SESSION.states[id] }));
    let prompt = canvas.promptLength;
    for (let revision = 1; revision <= 8; revision++) {
      const next = randomFrame(roll, revision, canvas);
      const sources = carried(range(canvas.length), next.splices);
      sources.forEach((source, position) => assert.equal(cameFrom(position, next.splices), source));
      canvas = folded(canvas, next);
      row.forEach((cell, at) => (cell.id = at));
      [row, prompt] = told(row, prompt, next);
      const at = `seed ${seed}, revision ${revision}`;
      assert.deepEqual(row.map(({ id }) => id ?? -1), sources, at);
      assert.equal(canvas.length, row.length, at);
      assert.equal(canvas.promptLength, prompt, at);
      assert.deepEqual([...canvas.states], row.map(({ state }) => state), at);
      assert.equal(canvas.openCount, row.filter(({ state }) => state === OPEN).length, at);
      row.forEach(({ state, token }, position) => state !== OPEN && assert.equal(canvas.tokens[position], token, at));
      assert.deepEqual(positions(canvas.byHand), positions(row.map(({ hand }) => hand)), at);
      assert.deepEqual(positions(canvas.protected), positions(row.map(({ kept }) => kept)), at);
    }
  }
});

test("a frame is folded from its parent, which stays as it was", () => {
  const tree = grown(frame(1, 0, "step", [[3, 30]]), frame(2, 1, "edit", [[2, 99]], { splices: [splice(2, 0, 1)] }));
  assert.deepEqual([...tree.revisions[1].canvas.tokens], [7, 8, 0, 30, 0, 0]);
  const { canvas } = tree.revisions[2];
  assert.deepEqual([...canvas.tokens], [7, 8, 99, 0, 30, 0, 0]);
  assert.deepEqual([...canvas.origins], [-1, -1, 2, -1, 1, -1, -1]);
  assert.deepEqual(positions(canvas.byHand), [2]);
  assert.deepEqual([tree.revisions[1].canvas.length, canvas.length], [6, 7]);
});

test("the prompt moves with what is taken out and put in before its end, and no further", () => {
  const end = (...splices) => folded(canvasOf(SESSION), frame(1, 0, "edit", [], { splices })).promptLength;
  assert.equal(end(splice(2, 0, 3)), 2, "at its end: they are generated");
  assert.equal(end(splice(1, 0, 3)), 5);
  assert.equal(end(splice(1, 3, 0)), 1, "only one of the three was prompt");
  assert.equal(end(splice(0, 1, 0), splice(0, 0, 2)), 3);
  assert.equal(end(splice(4, 2, 0)), 2);
});

test("an appended turn makes what is decided before it given", () => {
  const all = [[2, 20], [3, 30], [4, 40], [5, 50]];
  const tree = grown(
    frame(1, 0, "select", all),
    frame(2, 1, "edit", [[4, 60, true]], { splices: [splice(4, 2, 1), splice(5, 0, 2)], promptLength: 5 }),
  );
  const { canvas } = tree.revisions[2];
  assert.deepEqual([...canvas.states], [GIVEN, GIVEN, GIVEN, GIVEN, GIVEN, OPEN, OPEN]);
  assert.equal(canvas.promptLength, 5);
  assert.deepEqual(positions(canvas.byHand), []);
  assert.deepEqual([...canvas.tokens].slice(0, 5), [7, 8, 20, 30, 60]);
  assert.equal(weighingOf(tree, 2, 3)?.revision, 0, "what the model weighed is still known");
  assert.equal(weighingOf(tree, 2, 4), null);
});

test("protection and marks by hand are set and taken away", () => {
  const tree = grown(
    frame(1, 0, "select", [[2, 20], [3, 30]]),
    frame(2, 1, "edit", [], { protected: [2, 3] }),
    frame(3, 2, "edit", [], { unprotected: [3] }),
    frame(4, 2, "edit", [[2, null]]),
    frame(5, 2, "rewind"),
    frame(6, 1, "step", [[2, 21]]),
  );
  const marks = tree.revisions.map(({ canvas }) => [positions(canvas.byHand), positions(canvas.protected)]);
  assert.deepEqual(marks, [[[], []], [[2, 3], []], [[2, 3], [2, 3]], [[2], [2]], [[3], [3]], [[2, 3], [2, 3]], [[3], []]]);
  assert.equal(tree.revisions[5].canvas, tree.revisions[2].canvas);
  const opened = canvasOf({ ...SESSION, byHand: [3], protected: [4] });
  assert.deepEqual([positions(opened.byHand), positions(opened.protected)], [[3], [4]]);
});

test("a draft from before a splice is seen where its positions are now", () => {
  const draft = { positions: [2, 3, 4, 5], tokens: [20, 30, 40, 50], probabilities: Uint8Array.of(2, 3, 4, 5), entropies: new Uint8Array(4), predictedAt: 0 };
  const tree = grown(
    frame(1, 0, "step", [[5, 50]], { draft }),
    frame(2, 1, "edit", [], { splices: [splice(2, 0, 1), splice(4, 1, 0)] }),
    frame(3, 2, "step", [[3, 20]]),
    frame(4, 1, "edit", [], { splices: [splice(3, 1, 2)] }),
  );
  assert.deepEqual([...draftColumns(tree, 1).tokens], [-1, -1, 20, 30, 40, 50]);
  assert.deepEqual([...draftColumns(tree, 2).tokens], [-1, -1, -1, 20, 40, 50]);
  assert.deepEqual([...draftColumns(tree, 2).probabilities], [0, 0, 0, 2, 4, 5]);
  assert.equal(draftColumns(tree, 3), draftColumns(tree, 2), "nothing moved between them");
  assert.deepEqual([...draftColumns(tree, 4).tokens], [-1, -1, 20, -1, -1, 40, 50]);
});

test("a token is weighed where it was last open, wherever that was", () => {
  const tree = grown(
    frame(1, 0, "step", [[3, 30]]),
    frame(2, 1, "edit", [], { splices: [splice(0, 0, 2)] }),
    frame(3, 2, "edit", [[5, 31], [2, 9, true]]),
    frame(4, 3, "edit", [[8, 44]], { splices: [splice(8, 0, 1)] }),
  );
  assert.deepEqual(weighingOf(tree, 2, 5), { revision: 0, position: 3, chosen: 30, origin: 1, replaced: null });
  assert.deepEqual(weighingOf(tree, 3, 5), { revision: 0, position: 3, chosen: 31, origin: 3, replaced: 30 });
  assert.equal(weighingOf(tree, 3, 2), null, "given, again");
  assert.equal(weighingOf(tree, 4, 8), null, "put in with its token: it was never open");
  assert.equal(weighingOf(tree, 2, 0)?.revision, 2, "put in open");
});

test("deeds are told of the positions of now", () => {
  const tree = grown(
    frame(1, 0, "step", [[3, 30], [4, 40]]),
    frame(2, 1, "edit", [[0, 9], [5, 41], [6, null]], { splices: [splice(0, 0, 1), splice(3, 0, 1)] }),
  );
  // 7 8 _ 30 40 _ became 9 7 8 + _ 30 40 _ with other tokens at 5 and 6.
  assert.deepEqual([...deedsOf(tree, 2)].sort(([a], [b]) => a - b), [[0, "committed"], [3, "inserted"], [5, "edited"], [6, "reopened"]]);
});

test("what stood at an open position is found before the splices", () => {
  const tree = grown(
    frame(1, 0, "step", [[3, 30]]),
    frame(2, 1, "edit", [[3, null], [1, null]]),
    frame(3, 2, "edit", [], { splices: [splice(0, 1, 0), splice(2, 0, 1)] }),
  );
  assert.deepEqual(earlierAt(tree, 3, 3), { token: 30, given: false });
  assert.deepEqual(earlierAt(tree, 3, 0), { token: 8, given: true });
  assert.equal(earlierAt(tree, 3, 2), null, "put in since");
  assert.equal(earlierAt(tree, 3, 4), null, "always open");
});
