// Saves a run as a GIF: the answer region, revision by revision.
// @ts-ignore: it comes without declarations
import { GIFEncoder, applyPalette, quantize } from "gifenc";
import { delaysOf, mostOf, ordinal, pictured, shownInWords, thinned } from "app/core/film.js";
import { shownRevision } from "app/core/state.js";
import { RunPicture } from "app/actions/run-picture.js";
import { download } from "app/actions/download.js";

const COLOURS = 256;
/** Pictures that the colours are chosen from. */
const SAMPLED = 4;

export class Gif {
  #store;
  #troubles;
  #progress;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, troubles: import("app/actions/troubles.js").Troubles,
   *           progress: import("app/actions/progress.js").Progress }} parts
   */
  constructor({ store, troubles, progress }) {
    this.#store = store;
    this.#troubles = troubles;
    this.#progress = progress;
  }

  save() {
    return this.#progress.during("Saving as a GIF", async (signal, told) => {
      // As it is now: frames may come while it is drawn.
      const { state } = this.#store;
      const { tree } = state;
      if (!tree) return;
      const way = pictured(tree, shownRevision(state));
      const last = way[way.length - 1];
      const picture = new RunPicture(state, way);
      const { width, height } = picture.size(state, thinned(way, mostOf(1)).revisions);
      const { revisions, every } = thinned(way, mostOf(width * height));
      const about = (/** @type {number} */ revision) => ({
        note: `revision ${revision} of ${last}${every > 1 ? `, every ${ordinal(every)}` : ""}`,
        done: way.indexOf(revision) / Math.max(1, way.length - 1),
      });
      const drawn = (/** @type {number} */ revision) => picture.draw(state, revision, about(revision));
      const palette = quantize(joined(sampled(revisions).map(drawn)), COLOURS);
      const delays = delaysOf(revisions.length);
      const gif = GIFEncoder();
      for (const [done, revision] of revisions.entries()) {
        told(done, revisions.length);
        await rest();
        signal.throwIfAborted();
        gif.writeFrame(applyPalette(drawn(revision), palette), width, height, { palette: done ? undefined : palette, delay: delays[done] });
      }
      gif.finish();
      download(new Blob([gif.bytes()], { type: "image/gif" }), `${tree.id}.gif`);
      this.#troubles.done("The GIF is saved.", shownInWords(tree, revisions, every));
    });
  }
}

/** Some of all, the first and the last among them. */
const sampled = (/** @type {number[]} */ all) => [...new Set(Array.from({ length: SAMPLED }, (_, i) => all[Math.round((i * (all.length - 1)) / (SAMPLED - 1))]))];

function joined(/** @type {Uint8ClampedArray[]} */ all) {
  const whole = new Uint8ClampedArray(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of all) {
    whole.set(one, at);
    at += one.length;
  }
  return whole;
}

/** The page stays alive meanwhile. */
const rest = () => new Promise((resolve) => setTimeout(resolve));
