// The life of a position: its drafts prediction by prediction, and what was done to it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { placesAlong } from "app/core/following.js";
import { deedInWords, lifeInWords, lifeOf } from "app/core/life.js";
import { whyCut } from "app/core/cut.js";
import { frameOf, grow, plant } from "app/core/tree.js";

/** Two given positions, four open ones. */
const SESSION = { id: "s", model: "m", promptLength: 2, settings: null, tokens: [7, 8, 0, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN, OPEN] };
const splice = (position, removed, inserted) => ({ position, removed, inserted });
const grown = (...frames) => frames.reduce(grow, plant(SESSION));

/** Every revision's own draft comes with the frame made from it. */
function frame(revision, parent, cause, changes = [], drafts = null, more = {}) {
  const entries = drafts && Object.entries(drafts).map(([position, [token, p]]) => [Number(position), token, p]);
  return frameOf({
    revision,
    parent,
    cause,
    changes: changes.map(([position, token, probability = null, given = false]) => ({ position, token, probability, given })),
    draft: entries && {
      positions: entries.map(([position]) => position),
      tokens: entries.map(([, token]) => token),
      probabilities: Uint8Array.from(entries, ([, , p]) => p),
      entropies: new Uint8Array(entries.length),
      predictedAt: parent,
    },
    ...more,
  });
}

const brief = ({ passages }) => passages.map(({ kind, revision, token, count, flipped, by }) => [kind, revision, token, ...(kind === "draft" ? [count, flipped] : [by])]);
const nameOf = (token) => `#${token}`;

const RUN = [
  frame(1, 0, "step", [[3, 30, 0.9]], { 2: [20, 51], 3: [30, 230] }),
  frame(2, 1, "step", [[4, 40, 0.8]], { 2: [20, 102], 4: [40, 204] }),
  frame(3, 2, "step", [[5, 50, 0.8]], { 2: [21, 153], 5: [50, 204] }),
  frame(4, 3, "step", [[2, 21, 0.93]], { 2: [21, 237] }),
];

test("a run of one draft is one passage, and a flip begins another", () => {
  const life = lifeOf(grown(...RUN), 4, 2);
  assert.deepEqual(brief(life), [["draft", 0, 20, 2, false], ["draft", 2, 21, 2, true], ["committed", 4, 21, "sampler"]]);
  assert.deepEqual(life.points.map(({ revision, token, probability }) => [revision, token, Math.round(probability * 255)]), [[0, 20, 51], [1, 20, 102], [2, 21, 153], [3, 21, 237]]);
  assert.deepEqual(life.emerged, { revision: 2, first: false });
  assert.equal(life.missing, 0);
  assert.equal(
    lifeInWords(life, nameOf),
    "4 predictions: the draft flipped once, at revision 2. Committed at 4 by the sampler, p 93%. The final token was the draft from revision 2 on.",
  );
});

test("looking back tells the whole life, what comes later too", () => {
  const tree = grown(...RUN);
  assert.deepEqual(lifeOf(tree, 1, 2), lifeOf(tree, 4, 2));
});

test("a final token is said to have emerged only where every prediction had it until it was committed", () => {
  const other = grown(...RUN.slice(0, 3), frame(4, 3, "select", [[2, 99]], null));
  assert.equal(lifeOf(other, 4, 2).emerged, null);
  const late = grown(frame(1, 0, "step", [[2, 20, 0.2]], { 2: [20, 51] }));
  assert.equal(lifeOf(late, 1, 2).emerged, null, "one prediction is no story");
  const edited = grown(...RUN, frame(5, 4, "edit", [[2, 60]]));
  assert.equal(lifeOf(edited, 5, 2).emerged, null);
  const steady = grown(frame(1, 0, "step", [[3, 30]], { 2: [20, 51] }), frame(2, 1, "step", [[2, 20]], { 2: [20, 90] }));
  assert.deepEqual(lifeOf(steady, 2, 2).emerged, { revision: 0, first: true });
  const reopened = grown(...RUN, frame(5, 4, "step", [[2, null]], {}), frame(6, 5, "step", [[3, 31]], { 2: [21, 90] }), frame(7, 6, "step", [[2, 21]], { 2: [21, 91] }));
  assert.deepEqual(lifeOf(reopened, 7, 2).emerged, { revision: 5, first: false }, "counted from where it was opened again");
});

test("what was done is named with who did it", () => {
  const tree = grown(
    frame(1, 0, "select", [[2, 20, 0.25]], null),
    frame(2, 1, "edit", [], null, { protected: [2] }),
    frame(3, 2, "edit", [], null, { unprotected: [2] }),
    frame(4, 3, "step", [[2, 22]], {}),
    frame(5, 4, "step", [[2, null]], {}),
    frame(6, 5, "edit", [[2, 23, null, true]], null),
  );
  const life = lifeOf(tree, 6, 2);
  assert.deepEqual(brief(life), [
    ["committed", 1, 20, "hand"],
    ["locked", 2, null, "hand"],
    ["unlocked", 3, null, "hand"],
    ["edited", 4, 22, "sampler"],
    ["reopened", 5, null, "sampler"],
    ["given", 6, 23, "hand"],
  ]);
  assert.deepEqual(life.passages.map(deedInWords), [
    "committed at 1 by hand, p 25%", "locked at 2 by hand", "unlocked at 3 by hand", "edited at 4 by the sampler", "opened again at 5 by the sampler", "given at 6 by hand",
  ]);
  assert.equal(life.end, "given");
  const confirmed = grown(...RUN, frame(5, 4, "select", [[2, 21]], null));
  assert.deepEqual(brief(lifeOf(confirmed, 5, 2)).at(-1), ["confirmed", 5, 21, "hand"]);
});

test("a life moves with its position, begins where it was put in and ends where it was taken out", () => {
  const tree = grown(
    frame(1, 0, "step", [], { 2: [20, 51], 3: [30, 60] }),
    frame(2, 1, "edit", [], null, { splices: [splice(2, 0, 2)] }),
    frame(3, 2, "step", [[5, 31, 0.5]], { 2: [90, 3], 4: [20, 70], 5: [31, 80] }),
    frame(4, 3, "edit", [], null, { splices: [splice(5, 1, 0)] }),
  );
  // What was 3 at first is 5 from revision 2 on, and gone at 4.
  const expected = [["draft", 0, 30, 1, false], ["draft", 2, 31, 1, true], ["committed", 3, 31, "sampler"], ["removed", 4, null, "hand"]];
  assert.deepEqual(brief(lifeOf(tree, 0, 3)), expected);
  assert.deepEqual(brief(lifeOf(tree, 3, 5)), expected);
  assert.equal(lifeOf(tree, 3, 5).end, "gone");
  assert.deepEqual(brief(lifeOf(tree, 3, 2)), [["inserted", 2, null, "hand"], ["draft", 2, 90, 1, false]]);
  assert.deepEqual([...placesAlong(tree, [0, 1, 2, 3, 4], 3, 5)], [3, 3, 5, 5, -1]);
});

test("a branch has a life of its own, and a way back repeats no prediction", () => {
  const tree = grown(...RUN, frame(5, 1, "rewind"), frame(6, 5, "step", [[2, 77, 0.1]], { 2: [20, 102] }), frame(7, 6, "step", []));
  const life = lifeOf(tree, 7, 2);
  assert.deepEqual(brief(life), [["draft", 0, 20, 2, false], ["committed", 6, 77, "sampler"]]);
  assert.deepEqual(brief(lifeOf(tree, 4, 2)), brief(lifeOf(grown(...RUN), 4, 2)));
  assert.deepEqual([...placesAlong(tree, [0, 1, 5, 6, 7], 4, 2)], [2, 2, 2, 2, 2], "a position of another branch is that of their common past");
});

test("where no drafts came it says so", () => {
  const bare = lifeOf(grown(frame(1, 0, "step", [[3, 30]]), frame(2, 1, "step", [[2, 20, 0.5]])), 2, 2);
  assert.deepEqual([bare.points, bare.missing], [[], 2]);
  assert.equal(lifeInWords(bare, nameOf), "No drafts came with these revisions. Committed at 2 by the sampler, p 50%.");
  assert.equal(lifeInWords(lifeOf(grown(...RUN), 4, 0), nameOf), "Given from the beginning: nothing was predicted here.");
  const some = lifeOf(grown(RUN[0], frame(2, 1, "step", [[2, 20]])), 2, 2);
  assert.match(lifeInWords(some, nameOf), /^1 prediction: the draft was #20\. .* 1 revision came without drafts\.$/);
});

test("a candidate that is not kept says by what", () => {
  const weigh = (candidates, keptCount) => ({ candidates: candidates.map(([token, kept]) => ({ token, kept })), keptCount });
  const why = (weighing, at, parameters) => whyCut(weighing, weighing.candidates[at], parameters, 9);
  const two = weigh([[1, true], [2, true], [3, false]], 2);
  assert.equal(why(two, 0, { temperature: 1 }), "");
  assert.equal(why(two, 2, { temperature: 1, top_k: 2, top_p: 0.99 }), "Cut by top-k, 2");
  assert.equal(why(two, 2, { temperature: 1, top_k: 3, top_p: 0.5 }), "Cut by top-p, 0.5");
  assert.equal(why(two, 2, { temperature: 0, top_k: 2 }), "Not the likeliest, and the temperature is 0");
  const banned = weigh([[9, false], [5, false], [1, true]], 1);
  assert.equal(why(banned, 0, { temperature: 0 }), "Never generated");
  assert.equal(why(banned, 1, { temperature: 0 }), "Never generated with these settings");
  assert.equal(why(banned, 1, { temperature: 1, top_k: 1, repetition_penalty: 2 }), "Cut by top-k, 1", "a penalty may put it behind");
});

test("many flips are summed up, and few are listed", () => {
  const flipping = (count) => grown(...Array.from({ length: count }, (_, i) => frame(i + 1, i, "edit", [], { 2: [20 + (i % 2), 9] }, { splices: [], protected: i % 2 ? [0] : [1] })));
  assert.match(lifeInWords(lifeOf(flipping(4), 4, 2), nameOf), /^4 predictions: the draft flipped 3 times, at revisions 1, 2 and 3\./);
  assert.match(lifeInWords(lifeOf(flipping(7), 7, 2), nameOf), /^7 predictions: the draft flipped 6 times, last at revision 6\./);
});
