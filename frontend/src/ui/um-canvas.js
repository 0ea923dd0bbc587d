import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { PageElement } from "app/ui/page-element.js";
import { tokenFace } from "app/ui/token-face.js";
import { cssVars } from "app/ui/css-vars.js";
import { blocksOf, cellsOf, draftShown, labelOf, shown, writtenText } from "app/core/selectors.js";
import { headOf } from "app/core/tree.js";
import { shownRevision } from "app/core/state.js";
import { plural } from "app/core/format.js";
import * as icons from "app/ui/icons.js";
import "app/ui/um-status.js";
import "app/ui/um-legend.js";
import "app/ui/um-turn.js";

/** The canvas in reading flow: the prompt, then the positions being written. */
class CanvasPanel extends PageElement {
  static properties = { active: { state: true } };

  constructor() {
    super();
    /** The position in the tab order. @type {number | null} */
    this.active = null;
    this.copied = false;
  }

  /** @override */
  watched(/** @type {any} */ { tree, shown: revision, tokens, picks, remask, looked, view, model, activity }) {
    return [tree, revision, tokens, picks, remask, looked, view.draft, view.prompt, model, activity];
  }

  /** @override */
  refocused(/** @type {HTMLElement} */ held) {
    if (held.classList.contains("cell")) /** @type {HTMLElement | null} */ (this.querySelector(".cell[tabindex='0']"))?.focus();
  }

  updated() {
    const { tree } = this.state;
    this.toggleAttribute("data-running", this.state.activity === "run" || this.state.activity === "step");
    if (tree) {
      this.dataset.revision = String(shownRevision(this.state));
      this.dataset.head = String(headOf(tree));
      this.dataset.session = tree.id;
    } else {
      delete this.dataset.revision;
      delete this.dataset.head;
      delete this.dataset.session;
    }
  }

  render() {
    const { tree, view } = this.state;
    return html`<section class="card canvas" aria-labelledby="canvas-title">
      <header class="card-head">
        <h2 id="canvas-title">Canvas</h2>
        ${this.#draftNote()}
        <label class="switch" title="Show what the model would write at the open positions (D)">
          <input
            type="checkbox"
            data-testid="draft-layer"
            .checked=${view.draft}
            @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { draft: e.target.checked } })}
          />
          <span>Drafts</span>
        </label>
        ${tree ? html`<button class="quiet text" @click=${this.#copy} title="Copy the text written so far">${this.copied ? "Copied" : "Copy"}</button>` : nothing}
      </header>
      ${tree ? this.#listbox() : emptyCanvas()}
      <um-turn .page=${this.page}></um-turn>
      <um-legend></um-legend>
      <um-status .page=${this.page}></um-status>
    </section>`;
  }

  #draftNote() {
    const { tree, view } = this.state;
    const found = tree && view.draft && (shown(this.state)?.canvas.openCount ?? 0) > 0 ? draftShown(this.state) : null;
    if (!found || !tree) return html`<span class="grow"></span>`;
    const cached = found.exact && tree.predictions.get(found.at)?.cached;
    return html`<p class="draft-note grow">
      <span class="badge" title=${found.exact ? "The drafts were predicted from this very canvas." : "The drafts were predicted before the newest tokens were committed."}>
        drafts of ${found.exact ? "this revision" : `revision ${found.at}`}
      </span>
      ${cached ? html`<span class="badge" data-testid="cached" title="No forward pass was needed: the logits were still at hand.">cached</span>` : nothing}
    </p>`;
  }

  #listbox() {
    const { view, looked } = this.state;
    const { length, promptLength } = /** @type {import("app/core/canvas.js").Canvas} */ (shown(this.state)?.canvas);
    const cells = cellsOf(this.state);
    const first = Math.min(promptLength, length - 1);
    const active = this.active === null ? first : Math.min(this.active, length - 1);
    const block = (/** @type {{ start: number, end: number }} */ { start, end }, /** @type {number} */ _i, /** @type {any[]} */ all) => {
      const inside = active >= start && active < end ? active : -1;
      const here = looked !== null && looked >= start && looked < end ? looked : -1;
      return html`<div class="block" ?data-many=${all.length > 1} role="presentation">
        ${guard([...signature(cells, start, end), inside, here], () => cells.slice(start, end).map((cell) => this.#cell(cell, inside, here)))}
      </div>`;
    };
    return html`<div
      class="listbox"
      role="listbox"
      aria-multiselectable="true"
      aria-label="Canvas, ${plural(length, "position")}"
      @click=${this.#click}
      @keydown=${this.#key}
      @focusin=${this.#focus}
    >
      ${promptLength
        ? html`<div class="prompt" role="group" aria-label="Prompt" ?data-folded=${!view.prompt}>
            <button
              class="quiet text prompt-fold"
              tabindex="-1"
              aria-hidden="true"
              @click=${(/** @type {Event} */ e) => (e.stopPropagation(), this.dispatch({ type: "view.changed", view: { prompt: !view.prompt } }))}
            >
              Prompt · ${plural(promptLength, "token")} · ${view.prompt ? "hide" : "show"}
            </button>
            ${view.prompt ? blocksOf(0, promptLength).map(block) : nothing}
          </div>`
        : nothing}
      ${promptLength < length ? html`<div class="answer" role="group" aria-label="Answer">${blocksOf(promptLength, length).map(block)}</div>` : nothing}
    </div>`;
  }

  #cell(/** @type {import("app/core/selectors.js").Cell} */ cell, /** @type {number} */ active, /** @type {number} */ looked) {
    const { position, state, token, face, probability, deed, byHand, locked, picked, reopening, previewed, repeat } = cell;
    const ghost = state === "open" && !picked && face !== null;
    return html`<span
        class="cell"
        role="option"
        id="cell-${position}"
        tabindex=${position === active ? 0 : -1}
        aria-selected=${picked ? "true" : "false"}
        aria-label=${labelOf(cell)}
        aria-current=${position === looked ? "true" : nothing}
        data-position=${position}
        data-state=${state}
        data-token=${token ?? nothing}
        ?data-ghost=${ghost}
        ?data-picked=${picked}
        ?data-reopening=${reopening}
        ?data-preview=${previewed}
        ?data-locked=${locked}
        data-new=${deed ?? nothing}
        ?data-hand=${byHand}
        ?data-special=${face?.special}
        ?data-repeat=${repeat}
        ?data-looked=${position === looked}
        ${cssVars({ "--p": state === "open" && probability !== null ? probability.toFixed(2) : "0" })}
        >${locked ? icons.locked : nothing}${face ? tokenFace(face) : html`<i class="blank"></i>`}</span
      >${face && face.breaks ? breaks(face.breaks) : nothing}`;
  }

  async #copy() {
    try {
      const text = writtenText(this.state);
      await navigator.clipboard.writeText(text);
      this.copied = text !== "";
    } catch {
      this.copied = false;
    }
    this.requestUpdate();
    setTimeout(() => ((this.copied = false), this.requestUpdate()), 1500);
  }

  // ---- pointer and keys ----

  #click(/** @type {Event} */ event) {
    const position = positionOf(event.target);
    if (position !== null) this.#look(position);
  }

  #focus(/** @type {Event} */ event) {
    const position = positionOf(event.target);
    if (position !== null) this.active = position;
  }

  #look(/** @type {number} */ position) {
    this.active = position;
    this.page.inspection.look(position);
    // On a small screen the inspector comes up from below and may cover it.
    requestAnimationFrame(() => this.querySelector(`#cell-${position}`)?.scrollIntoView({ block: "nearest" }));
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const position = positionOf(event.target);
    if (position === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const cells = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".listbox .cell")]);
    const index = cells.findIndex((cell) => Number(cell.dataset.position) === position);
    const go = (/** @type {number} */ to) => cells[Math.min(Math.max(to, 0), cells.length - 1)]?.focus();
    switch (event.key) {
      case "ArrowRight": go(index + 1); break;
      case "ArrowLeft": go(index - 1); break;
      case "ArrowDown": go(onNextLine(cells, index, 1)); break;
      case "ArrowUp": go(onNextLine(cells, index, -1)); break;
      case "Home": go(0); break;
      case "End": go(cells.length - 1); break;
      case "Enter": this.#look(position); break;
      case " ": if (!this.page.session.togglePick(position)) this.dispatch({ type: "key.refused", why: "Only an open position that has a draft can be picked." }); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

function emptyCanvas() {
  return html`<div class="empty">
    <p>A diffusion model starts from a canvas of open positions and fills them in an order of its own, the surest first.</p>
    <p>Write a prompt, press <b>Start</b>, then <b>Run</b>. Click any token to see what the model weighed there, and choose differently.</p>
  </div>`;
}

const breaks = (/** @type {number} */ count) =>
  Array.from({ length: Math.min(count, 2) }, () => html`<span class="break" aria-hidden="true"></span>`);

function positionOf(/** @type {EventTarget | null} */ target) {
  const cell = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target)?.closest(".cell"));
  return cell ? Number(cell.dataset.position) : null;
}

/** What a block's look depends on; equal lists draw alike. */
function signature(/** @type {any[]} */ cells, /** @type {number} */ start, /** @type {number} */ end) {
  const parts = [];
  for (let i = start; i < end; i++) {
    const { state, token, face, probability, deed, byHand, locked, picked, reopening, previewed, repeat } = cells[i];
    parts.push(face, `${state}${token}${probability}${deed}${byHand}${locked}${picked}${reopening}${previewed}${repeat}`);
  }
  return parts;
}

/** The cell nearest below (or above) another, by what is seen. */
function onNextLine(/** @type {HTMLElement[]} */ cells, /** @type {number} */ index, /** @type {1 | -1} */ way) {
  const from = cells[index].getBoundingClientRect();
  const centre = from.left + from.width / 2;
  let best = index;
  let distance = Infinity;
  let line = null;
  for (let i = index + way; i >= 0 && i < cells.length; i += way) {
    const box = cells[i].getBoundingClientRect();
    if (Math.abs(box.top - from.top) < from.height / 2) continue;
    line ??= box.top;
    if (Math.abs(box.top - line) > from.height / 2) break;
    const away = Math.abs(box.left + box.width / 2 - centre);
    if (away < distance) [best, distance] = [i, away];
  }
  return best;
}

customElements.define("um-canvas", CanvasPanel);
