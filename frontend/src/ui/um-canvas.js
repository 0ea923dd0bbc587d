import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { guard } from "lit/directives/guard.js";
import { PageElement } from "app/ui/page-element.js";
import { inside, looks } from "app/ui/looks.js";
import { blocksOf, cellsOf, draftShown, hindrances, labelOf, markable, shown, signsOf, writtenText } from "app/core/selectors.js";
import { colouring } from "app/core/attribution.js";
import { lensInUse } from "app/core/lenses.js";
import { readsLeftToRight } from "app/core/left-to-right.js";
import { brushHindrance } from "app/core/marking.js";
import { CanvasMarks } from "app/ui/canvas-marks.js";
import { CanvasPointer, positionOf } from "app/ui/canvas-pointer.js";
import { headOf } from "app/core/tree.js";
import { shownRevision } from "app/core/state.js";
import { plural } from "app/core/format.js";
import { MODES } from "app/core/modes.js";
import { focusIsLost } from "app/ui/focus.js";
import { segments } from "app/ui/segments.js";
import * as icons from "app/ui/icons.js";
import "app/ui/um-rows.js";
import "app/ui/um-grid.js";
import "app/ui/um-status.js";
import "app/ui/um-legend.js";
import "app/ui/um-maximise.js";
import "app/ui/um-lens.js";
import "app/ui/um-marked.js";
import "app/ui/um-turn.js";
import "app/ui/um-invite.js";

/** The canvas in reading flow: the prompt, then the positions being written. */
class CanvasPanel extends PageElement {
  static properties = { active: { state: true } };

  #pointer = new CanvasPointer(this, ".listbox");
  #marks = new CanvasMarks(this);

  constructor() {
    super();
    /** The position in the tab order. @type {number | null} */
    this.active = null;
    this.copied = false;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    const { tree, shown: revision, tokens, picks, remask, looked, marked, brush, margins, weighings, view, model, activity, connection } = state;
    const asked = view.lens === "margin" ? [margins, weighings] : [null, null];
    return [tree, revision, tokens, picks, remask, looked, marked, brush, ...asked, ...colouring(state), view.draft, view.prompt, view.mode, view.lens, view.specials, model, activity, connection.state];
  }

  /** @override */
  refocused(/** @type {HTMLElement} */ held) {
    const place = /** @type {HTMLElement | null} */ (held.closest("[data-position]"));
    if (place) this.focusAt(Number(place.dataset.position));
  }

  /** Gives a position the focus, however the canvas is drawn; where it is not there, the one in the tab order. */
  async focusAt(/** @type {number} */ position) {
    await this.updateComplete;
    const view = /** @type {import("app/ui/um-rows.js").Rows | import("app/ui/um-grid.js").Grid | null} */ (this.querySelector("um-rows, um-grid"));
    if (view) return view.focusAt(position);
    this.active = position;
    await this.updateComplete;
    const cell = /** @type {HTMLElement | null} */ (this.querySelector(`#cell-${position}`) ?? this.querySelector(".cell[tabindex='0']") ?? this.querySelector(".listbox .cell:not([hidden])"));
    if (focusIsLost()) cell?.focus();
    return undefined;
  }

  /** Goes to a position for a person who follows a pointer to it: it has the focus, and is in view. */
  async reveal(/** @type {number} */ position) {
    const { view } = this.state;
    if (view.mode === "reading" && !view.prompt) this.dispatch({ type: "view.changed", view: { prompt: true } });
    if (view.mode === "rows") this.dispatch({ type: "view.changed", view: { rows: "all" } });
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    await this.focusAt(position);
  }

  /** Why a token is there may be asked of whatever is pointed at. */
  #point(/** @type {Event} */ event) {
    const position = positionOf(event.target);
    this.page.attribution.point(position === null ? null : { position, token: null });
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
    const { tree, view, model } = this.state;
    return html`<section class="card canvas" aria-labelledby="canvas-title" @pointerover=${this.#point} @pointerleave=${() => this.page.attribution.point(null)} @focusin=${this.#point}>
      <header class="card-head">
        <h2 id="canvas-title">Canvas</h2>
        ${tree ? segments({ label: "The canvas as", testid: "mode", value: view.mode, options: MODES, choose: (mode) => this.dispatch({ type: "view.changed", view: { mode } }) }) : nothing}
        ${this.#draftNote()}
        ${tree ? html`<button class="quiet text" @click=${this.#copy} title="Copy the text written so far">${this.copied ? "Copied" : "Copy"}</button>` : nothing}
        <um-maximise .page=${this.page} panel="canvas" name="the canvas"></um-maximise>
      </header>
      ${tree ? this.#tools() : nothing} ${tree ? this.#body() : html`${emptyCanvas(readsLeftToRight(model))}<um-invite .page=${this.page}></um-invite>`}
      <um-marked .page=${this.page}></um-marked>
      <um-turn .page=${this.page}></um-turn>
      <um-legend .page=${this.page} .signs=${signsOf(cellsOf(this.state))}></um-legend>
      <um-status .page=${this.page}></um-status>
    </section>`;
  }

  #tools() {
    const { view } = this.state;
    return html`<div class="canvas-tools">
      <um-lens .page=${this.page}></um-lens>
      ${this.state.connection.state === "recorded"
        ? nothing
        : html`<span class="brushes" role="group" aria-label="Brushes">
            ${this.#brush("mask", "Mask brush: drag over what is to be open again (X)", icons.maskBrush)}
            ${this.#brush("lock", "Lock brush: drag over what no step may change (⇧X)", icons.lockBrush)}
          </span>`}
      <span class="grow"></span>
      ${view.mode === "reading" ? this.#specials() : nothing}
      <label class="switch" title="Show what the model would write at the open positions (D)">
        <input
          type="checkbox"
          data-testid="draft-layer"
          .checked=${live(view.draft)}
          @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { draft: e.target.checked } })}
        />
        <span>Drafts</span>
      </label>
    </div>`;
  }

  #specials() {
    const { view } = this.state;
    const active = this.active ?? shown(this.state)?.canvas.promptLength ?? null;
    const hidden = cellsOf(this.state).reduce((count, cell) => count + (this.#isHidden(cell, active) ? 1 : 0), 0);
    return html`<label class="switch" title="Show special tokens, such as the end of the text">
      <input
        type="checkbox"
        data-testid="specials"
        .checked=${live(view.specials)}
        @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { specials: e.target.checked } })}
      />
      <span>Specials${hidden ? html` <span class="number" data-testid="specials-hidden">${hidden} hidden</span>` : nothing}</span>
    </label>`;
  }

  #brush(/** @type {import("app/core/marking.js").BrushKind} */ kind, /** @type {string} */ hint, /** @type {unknown} */ icon) {
    const { brush } = this.state;
    const on = brush.kind === kind;
    const why = on ? "" : brushHindrance(this.state) || hindrances(this.state).change;
    return html`<button
      class="quiet brush"
      data-testid="brush-${kind}"
      aria-pressed=${on ? "true" : "false"}
      aria-label=${hint.slice(0, hint.indexOf(":"))}
      aria-disabled=${why ? "true" : "false"}
      title=${why || hint}
      @click=${() => !why && this.dispatch({ type: "brush.changed", fields: { kind: on ? null : kind, passed: [] } })}
    >
      ${icon}
    </button>`;
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

  #body() {
    switch (this.state.view.mode) {
      case "rows": return html`<um-rows .page=${this.page}></um-rows>`;
      case "grid": return html`<um-grid .page=${this.page}></um-grid>`;
      default: return this.#listbox();
    }
  }

  #listbox() {
    const { view, brush } = this.state;
    const { length, promptLength } = /** @type {import("app/core/canvas.js").Canvas} */ (shown(this.state)?.canvas);
    const cells = cellsOf(this.state);
    const first = Math.min(promptLength, length - 1);
    const active = this.active === null ? first : Math.min(this.active, length - 1);
    const block = (/** @type {{ start: number, end: number }} */ { start, end }, /** @type {number} */ _i, /** @type {any[]} */ all) => {
      const here = active >= start && active < end ? active : -1;
      return html`<div class="block" ?data-many=${all.length > 1} role="presentation">
        ${guard([...cells.slice(start, end), here], () => cells.slice(start, end).map((cell) => this.#cell(cell, here)))}
      </div>`;
    };
    return html`<div
      class="listbox"
      role="listbox"
      aria-multiselectable="true"
      aria-label="Canvas, ${plural(length, "position")}"
      data-lens=${lensInUse(this.state)}
      data-brush=${brush.kind ?? nothing}
      @click=${this.#click}
      @keydown=${this.#key}
      @focusin=${this.#focus}
      @pointerdown=${this.#pointer.down}
      @pointermove=${this.#pointer.move}
      @pointerup=${this.#pointer.up}
      @pointercancel=${this.#pointer.cancel}
      @touchmove=${this.#pointer.touchmove}
      @contextmenu=${this.#pointer.contextmenu}
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

  #cell(/** @type {import("app/core/selectors.js").Cell} */ cell, /** @type {number} */ active) {
    const { position, face, picked, marked, looked, reading } = cell;
    return html`<span
        class="cell"
        role="option"
        id="cell-${position}"
        tabindex=${position === active ? 0 : -1}
        aria-selected=${picked || marked ? "true" : "false"}
        aria-label=${labelOf(cell)}
        aria-current=${looked ? "true" : nothing}
        title=${reading || nothing}
        ?hidden=${this.#isHidden(cell, active)}
        data-position=${position}
        ${looks(cell)}
        >${inside(cell)}</span
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

  #isHidden(/** @type {import("app/core/selectors.js").Cell} */ { hidden, position }, /** @type {number | null} */ active) {
    return hidden && position !== active;
  }

  #click(/** @type {MouseEvent} */ event) {
    const position = positionOf(event.target);
    if (this.#pointer.wasDrag || position === null) return;
    if (!this.#marks.click(event, position, this.active)) this.#look(position);
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
    if (position === null || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "a" || event.shiftKey) return;
      event.preventDefault();
      const canvas = /** @type {import("app/core/canvas.js").Canvas} */ (shown(this.state)?.canvas);
      this.#marks.mark(markable(this.state, canvas.promptLength, canvas.length - 1));
      return;
    }
    const cells = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".listbox .cell:not([hidden])")]);
    const index = cells.findIndex((cell) => Number(cell.dataset.position) === position);
    if (!event.shiftKey) this.#marks.forget();
    const go = (/** @type {number} */ to) => {
      const cell = cells[Math.min(Math.max(to, 0), cells.length - 1)];
      cell?.focus();
      if (cell && event.shiftKey) this.#marks.extend(position, Number(cell.dataset.position));
    };
    switch (event.key) {
      case "ArrowRight": go(index + 1); break;
      case "ArrowLeft": go(index - 1); break;
      case "ArrowDown": go(onNextLine(cells, index, 1)); break;
      case "ArrowUp": go(onNextLine(cells, index, -1)); break;
      case "Home": go(0); break;
      case "End": go(cells.length - 1); break;
      case "Enter":
        if (this.state.brush.passed.size) this.page.editing.paint();
        else this.#look(position);
        break;
      case " ": if (!this.page.session.togglePick(position)) this.dispatch({ type: "key.refused", why: "Only an open position that has a draft can be picked." }); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

function emptyCanvas(/** @type {boolean} */ rightwards) {
  return html`<div class="empty">
    <p>${rightwards ? "This model reads from left to right: it writes one token after the other at the end of the text." : "A diffusion model starts from a canvas of open positions and fills them in an order of its own, the surest first."}</p>
    <p>Write a prompt, press <b>Start</b>, then <b>Run</b>. Click any token to see what the model weighed there, and choose differently.</p>
  </div>`;
}

const breaks = (/** @type {number} */ count) =>
  Array.from({ length: Math.min(count, 2) }, () => html`<span class="break" aria-hidden="true"></span>`);

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
