// Draws the answers of a revision as a picture, in the colours of the page.
import { cellsOf } from "app/core/selectors.js";
import { startsOf } from "app/core/film.js";
import { humanised } from "app/core/format.js";

/** @typedef {import("app/core/state.js").State} State */
/** @typedef {import("app/core/selectors.js").Cell} Cell */
/** @typedef {{ back: string, ink: string, edge: string, mark: string }} Look */
/** @typedef {{ cell: Cell, supplied: boolean, text: string, x: number, y: number, width: number, look: Look }} Chip */

const WIDTH = 760;
const MARGIN = 24;
const HEAD = 60;
const LINE = 32;
const CHIP = 25;
const INSET = 4;
/** Shades of drafts that are told apart. */
const SHADES = 10;
const TOKEN = "17px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const WORDS = "14px system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const MARKS = { "\n": "⏎", "\t": "⇥", "\r": "CR" };

export class RunPicture {
  #canvas = document.createElement("canvas");
  #context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d", { willReadFrequently: true }));
  #looks = looksOf();
  #title;
  #starts;
  /** @type {Map<string, number>} */
  #widths = new Map();

  /** @param {State} state  with a session @param {number[]} way  the revisions that may be drawn */
  constructor(state, way) {
    const tree = /** @type {NonNullable<State["tree"]>} */ (state.tree);
    const { settings } = tree.revisions[way[way.length - 1]];
    this.#starts = startsOf(tree, way);
    const seed = settings?.seed == null ? "" : ` · seed ${settings.seed}`;
    this.#title = `${state.model?.name ?? ""}${settings ? ` · ${humanised(settings.sampler)}` : ""}${seed}`;
  }

  /** Wide and high enough for all of these. */
  size(/** @type {State} */ state, /** @type {number[]} */ revisions) {
    const height = Math.max(...revisions.map((revision) => this.#chips(state, revision).height));
    this.#canvas.width = WIDTH;
    this.#canvas.height = height;
    return { width: WIDTH, height };
  }

  /**
   * @param {State} state
   * @param {number} revision
   * @param {{ note: string, done: number }} about  done: 0 to 1
   * @returns {Uint8ClampedArray}  its pixels
   */
  draw(state, revision, { note, done }) {
    const context = this.#context;
    const { width, height } = this.#canvas;
    const { page } = this.#looks;
    context.fillStyle = page.back;
    context.fillRect(0, 0, width, height);
    context.font = WORDS;
    context.textBaseline = "middle";
    context.fillStyle = page.mark;
    context.textAlign = "right";
    context.fillText(note, width - MARGIN, 26);
    context.textAlign = "left";
    context.fillText(this.#fitting(this.#title, width - 3 * MARGIN - context.measureText(note).width), MARGIN, 26);
    context.fillStyle = page.edge;
    context.fillRect(MARGIN, 42, width - 2 * MARGIN, 2);
    context.fillStyle = this.#looks.new.mark;
    context.fillRect(MARGIN, 42, (width - 2 * MARGIN) * done, 2);
    for (const chip of this.#chips(state, revision).chips) this.#chip(chip);
    return context.getImageData(0, 0, width, height).data;
  }

  #chip(/** @type {Chip} */ { cell, supplied, text, x, y, width, look }) {
    const context = this.#context;
    const open = cell.state === "open";
    const path = () => {
      context.beginPath();
      context.roundRect(x + 0.5, y + 0.5, width - 1, CHIP - 1, 5);
    };
    path();
    context.fillStyle = look.back;
    if (open || cell.deed) context.fill();
    context.lineWidth = 1;
    context.strokeStyle = look.edge;
    context.setLineDash(open ? [1.5, 2.5] : []);
    if (open) context.stroke();
    if (cell.deed) {
      context.lineWidth = 2;
      context.strokeStyle = look.mark;
      context.setLineDash(cell.deed === "reopened" ? [5, 3] : []);
      context.stroke();
      context.beginPath();
      context.arc(x + width - 1, y + 1, 3.5, 0, 7);
      context.fillStyle = look.mark;
      context.fill();
    }
    context.setLineDash([]);
    context.font = open ? `italic ${TOKEN}` : TOKEN;
    context.fillStyle = look.ink;
    context.fillText(text, x + INSET, y + CHIP / 2 + 1);
    if (cell.byHand || supplied) {
      context.fillStyle = look.ink;
      context.fillRect(x + INSET, y + CHIP - 3, width - 2 * INSET, 1.5);
    }
  }

  /** Where every token stands. */
  #chips(/** @type {State} */ state, /** @type {number} */ revision) {
    const plain = { ...state, shown: revision, picks: new Map(), remask: { ...state.remask, open: false }, view: { ...state.view, draft: true } };
    /** @type {Chip[]} */
    const chips = [];
    let [x, y] = [MARGIN, HEAD];
    const promptLength = state.tree?.revisions[revision].canvas.promptLength ?? 0;
    for (const cell of cellsOf(plain).slice(this.#starts.get(revision))) {
      if (cell.repeat && cell.state !== "open") continue;
      const text = textOf(cell);
      const width = cell.face ? this.#widthOf(text) : 30;
      if (x + width > WIDTH - MARGIN && x > MARGIN) [x, y] = [MARGIN, y + LINE];
      const supplied = cell.state === "given" && cell.position >= promptLength;
      chips.push({ cell, supplied, text, x, y, width, look: this.#lookOf(cell) });
      x += width + 2;
      if (cell.face?.breaks) [x, y] = [MARGIN, y + LINE * Math.min(cell.face.breaks, 2)];
    }
    return { chips, height: y + LINE + MARGIN / 2 };
  }

  #widthOf(/** @type {string} */ text) {
    let width = this.#widths.get(text);
    if (width === undefined) {
      this.#context.font = TOKEN;
      width = Math.min(Math.ceil(this.#context.measureText(text).width) + 2 * INSET, WIDTH - 2 * MARGIN);
      this.#widths.set(text, width);
    }
    return width;
  }

  #fitting(/** @type {string} */ text, /** @type {number} */ room) {
    if (this.#context.measureText(text).width <= room) return text;
    let short = text;
    while (short && this.#context.measureText(`${short}…`).width > room) short = short.slice(0, -1);
    return `${short}…`;
  }

  /** @returns {Look} */
  #lookOf(/** @type {Cell} */ { state, deed, byHand, face, probability }) {
    const { shades, given, committed, hand, special, reopened, edited } = this.#looks;
    const fresh = this.#looks.new;
    if (deed === "reopened" || deed === "inserted") return reopened;
    if (state === "open") return shades[face ? Math.round((probability ?? 0) * SHADES) : 0];
    if (deed) return deed === "edited" ? edited : fresh;
    if (state === "given") return given;
    if (face?.special) return special;
    return byHand ? hand : committed;
  }
}

function textOf(/** @type {Cell} */ { face }) {
  if (!face) return "";
  const marked = (/** @type {string} */ space) => [...space].map((c) => MARKS[/** @type {"\n"} */ (c)] ?? c).join("");
  return marked(face.lead) + face.body + marked(face.tail);
}

/** The colours that the style sheet gives to cells: nothing else knows them. */
function looksOf() {
  const place = document.createElement("div");
  place.className = "unseen listbox";
  place.setAttribute("aria-hidden", "true");
  document.body.append(place);
  const sample = (/** @type {Record<string, string>} */ data, p = "0") => {
    const cell = document.createElement("span");
    cell.className = "cell";
    Object.assign(cell.dataset, data);
    cell.style.setProperty("--p", p);
    place.append(cell);
    const { backgroundColor, color, borderTopColor, outlineColor } = getComputedStyle(cell);
    return { back: backgroundColor, ink: color, edge: borderTopColor, mark: outlineColor };
  };
  const variable = (/** @type {string} */ name) => {
    place.style.setProperty("color", `var(${name})`);
    return getComputedStyle(place).color;
  };
  const looks = {
    page: { back: variable("--card"), ink: variable("--ink"), edge: variable("--line"), mark: variable("--ink-soft") },
    shades: Array.from({ length: SHADES + 1 }, (_, shade) => sample({ state: "open", ghost: "" }, String(shade / SHADES))),
    given: sample({ state: "given" }),
    committed: sample({ state: "committed" }),
    hand: sample({ state: "committed", hand: "" }),
    special: sample({ state: "committed", special: "" }),
    new: sample({ state: "committed", new: "committed" }),
    edited: sample({ state: "committed", new: "edited" }),
    reopened: sample({ state: "open", new: "reopened" }),
  };
  place.remove();
  return looks;
}
