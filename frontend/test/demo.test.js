// The recording that comes with the page is the first that people see: the whole of a text.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { COMMITTED, GIVEN } from "app/core/canvas.js";
import { readArchive } from "app/core/archive.js";

test("the recording that comes with the page ends where its text does", () => {
  const { tree, tokens } = readArchive(readFileSync(new URL("../demo/run.json", import.meta.url), "utf-8"));
  const { canvas, summary } = tree.revisions[tree.revisions.length - 1];
  const start = Array.from(canvas.states).findIndex((state) => state !== GIVEN);
  assert.equal(summary?.pending, false);
  assert.ok(Array.from(canvas.states.slice(start)).every((state) => state === COMMITTED), "nothing is open");
  const written = summary?.tokensBeforeEnd ?? 0;
  assert.ok(written > 0 && written < canvas.length - start, "there is an end behind what is written");
  const text = Array.from(canvas.tokens.slice(start, start + written), (id) => tokens.get(id)?.text).join("");
  assert.match(text, /[.!?]"?\s*$/, "the last sentence is whole");
});

test("what an earlier version wrote lacks nothing that the page reads of a model", () => {
  const file = JSON.parse(readFileSync(new URL("../demo/run.json", import.meta.url), "utf-8"));
  delete file.model.endTokens;
  delete file.model.caches;
  const { model } = readArchive(JSON.stringify(file));
  assert.deepEqual(model.caches, []);
  assert.ok(model.endTokens.includes(/** @type {number} */ (model.eosToken)));
});
