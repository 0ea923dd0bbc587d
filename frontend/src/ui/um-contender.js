import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { guard } from "lit/directives/guard.js";
import { PageElement } from "app/ui/page-element.js";
import { stillCell } from "app/ui/still-cell.js";
import { asInView, choiceOf, choiceProblem, goneInWords, indexShown, otherwise, pairingAt, readyModels, rests, revisionAt, sideOf, timingsAt } from "app/core/comparing.js";
import { branchesOf, startOf, titleOf } from "app/core/places.js";
import { lensOf } from "app/core/lenses.js";
import { BY_HAND, COUNTED } from "app/core/pace.js";
import { blocksOf, cellsOf } from "app/core/selectors.js";
import { decimal, duration, humanised, plural } from "app/core/format.js";

/** @type {ReadonlySet<number>} */
const NONE = new Set();

const LOCKED = "Wait for the runs to end, or stop them.";

/** One side of a comparison: what it is, its canvas at the step shown, what it took. */
class Contender extends PageElement {
  static properties = { which: {} };

  constructor() {
    super();
    /** @type {import("app/core/comparing.js").Which} */
    this.which = "a";
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown, model, tokens, form, compare, view, connection }) {
    return [tree, shown, model, tokens, form, compare, view.draft, view.lens, view.specials, view.compare, connection.state];
  }

  get #letter() {
    return this.which.toUpperCase();
  }

  render() {
    const side = sideOf(this.state, this.which);
    const index = indexShown(this.state);
    return html`<section class="contender" aria-labelledby="contender-${this.which}" data-testid="side-${this.which}" data-revision=${side ? revisionAt(side, index) : nothing} data-session=${side?.tree.id ?? nothing}>
      <header>
        <h3 id="contender-${this.which}"><span class="unseen">Side </span><span class="badge">${this.#letter}</span></h3>
        ${this.#choice()}
      </header>
      ${this.#notes()}
      ${side ? html`${this.#canvas(side, index)} ${this.#timings(side, index)}` : html`<p class="empty">Not run yet. It begins with the same prompt.</p>`}
    </section>`;
  }

  /** What is to be known before what is shown is trusted. */
  #notes() {
    const gone = goneInWords(this.state, this.which);
    const other = this.state.compare.running ? "" : otherwise(this.state, this.which);
    return html`${gone ? html`<p class="note" id="gone-${this.which}" data-testid="gone-${this.which}">${gone}</p>` : nothing}${other ? html`<p class="note" data-testid="otherwise-${this.which}">${other}</p>` : nothing}`;
  }

  /** A branch of the session in view, or another run with its strategy. */
  #choice() {
    const { state, which } = this;
    const { tree, compare } = state;
    const choice = choiceOf(state, which);
    const branches = tree ? [...branchesOf(tree)].reverse() : [];
    const models = readyModels(state);
    const model = models.find(({ name }) => name === choice.model);
    const problem = choiceProblem(state, which);
    const choose = (/** @type {Partial<import("app/core/comparing.js").Choice>} */ fields) => this.page.comparing.choose(which, fields);
    const field = (/** @type {string} */ name, /** @type {string} */ id, /** @type {unknown} */ control) =>
      html`<div class="field"><label for="${id}-${which}">${name}</label>${control}</div>`;
    const locked = compare.running;
    const selected = choice.what === "branch" ? `branch ${choice.branch}` : "run";
    return html`<div class="contender-choice" role="group" aria-label="What ${this.#letter} is">
      ${branches.length
        ? field(
            "What",
            "what",
            html`<select
              id="what-${which}"
              data-testid="what-${which}"
              ?disabled=${locked}
              title=${locked ? LOCKED : nothing}
              @change=${(/** @type {any} */ e) => {
                const [what, start] = e.target.value.split(" ");
                choose(what === "run" ? { what: "run" } : { what: "branch", branch: Number(start) });
              }}
            >
              ${branches.map((branch) => {
                const value = `branch ${startOf(branch)}`;
                return html`<option value=${value} .selected=${live(value === selected)}>${branches.length > 1 ? `Branch: ${titleOf(branch)}` : "This session"}</option>`;
              })}
              <option value="run" .selected=${live(selected === "run")}>Another run</option>
            </select>`,
          )
        : nothing}
      ${choice.what === "run"
        ? html`${models.length > 1
              ? field(
                  "Model",
                  "model",
                  html`<select id="model-${which}" data-testid="model-${which}" ?disabled=${locked} title=${locked ? LOCKED : nothing} @change=${(/** @type {any} */ e) => choose({ model: e.target.value })}>
                    ${models.map(({ name }) => html`<option value=${name} .selected=${live(name === choice.model)}>${name}</option>`)}
                  </select>`,
                )
              : nothing}
            ${field(
              "Sampler",
              "sampler",
              html`<select id="sampler-${which}" data-testid="sampler-${which}" ?disabled=${locked} title=${locked ? LOCKED : nothing} @change=${(/** @type {any} */ e) => choose({ sampler: e.target.value })}>
                ${(model?.samplers ?? []).map(({ name }) => html`<option value=${name} .selected=${live(name === choice.sampler)}>${humanised(name)}</option>`)}
              </select>`,
            )}
            ${field(
              "Seed",
              "seed",
              html`<input
                id="seed-${which}"
                class="contender-seed"
                data-testid="seed-${which}"
                inputmode="numeric"
                autocomplete="off"
                ?disabled=${locked}
                title=${locked ? LOCKED : nothing}
                aria-invalid=${problem.startsWith("seed") ? "true" : "false"}
                .value=${live(choice.seed)}
                @input=${(/** @type {any} */ e) => choose({ seed: e.target.value })}
              />`,
            )}
            ${problem ? html`<p class="note" data-problem>${problem}</p>` : nothing}`
        : nothing}
    </div>`;
  }

  #canvas(/** @type {import("app/core/comparing.js").Side} */ side, /** @type {number} */ index) {
    const { view } = this.state;
    const revision = revisionAt(side, index);
    const pairing = pairingAt(this.state, index);
    const differing = pairing?.differing[this.which] ?? NONE;
    const alone = pairing?.alone[this.which] ?? NONE;
    // At rest beyond its end: nothing is new any more.
    const atRest = rests(side, index);
    return guard([side.tree, side.tokens, revision, atRest, [...differing].join(), [...alone].join(), view.draft, view.lens, view.specials], () => {
      const seen = asInView(this.state, side, revision);
      const cells = cellsOf(seen);
      const { length, promptLength } = side.tree.revisions[revision].canvas;
      const block = (/** @type {{ start: number, end: number }} */ { start, end }, /** @type {number} */ _i, /** @type {unknown[]} */ all) =>
        html`<div class="block" ?data-many=${all.length > 1} role="presentation">${cells.slice(start, end).map((cell) => stillCell(atRest ? { ...cell, deed: null } : cell, differing.has(cell.position) ? "differs" : alone.has(cell.position) ? "alone" : ""))}</div>`;
      return html`<div
        class="listbox"
        role="list"
        aria-label="Side ${this.#letter} from its answer on, ${plural(length - promptLength, "position")}"
        data-lens=${lensOf(view)}
      >
        ${[...differing, ...alone].some((position) => position < promptLength) ? html`<div class="prompt" role="presentation">${blocksOf(0, promptLength).map(block)}</div>` : nothing}
        <div class="answer" role="presentation">${blocksOf(promptLength, length).map(block)}</div>
      </div>`;
    });
  }

  #timings(/** @type {import("app/core/comparing.js").Side} */ side, /** @type {number} */ index) {
    const gone = goneInWords(this.state, this.which);
    const numbers = timingsAt(side, index);
    const { forwards, perForward, deviceSeconds, wallSeconds, meanProbability, finishedIn, open, steps } = numbers;
    return html`<dl class="contender-facts" data-testid="facts-${this.which}">
      ${fact("Open", open)} ${fact("Forwards", forwards, "Forward passes that the run takes to come here, whoever has looked into it")}
      ${fact("Tokens a pass", decimal(perForward, 1), `${COUNTED} divided by their forward passes, up to here. ${BY_HAND}`)}
      ${fact("Device", duration(deviceSeconds), "Device time of the forward passes, up to here")}
      ${fact("Wall", duration(wallSeconds), "Wall time of all steps up to here, waiting for the device included")}
      ${fact("Mean p", decimal(meanProbability), "Mean p_base of the committed tokens that stand here")}
      ${fact("To finish", finishedIn === null ? "not finished" : `${duration(finishedIn)}, ${plural(steps, "step")}`, "Wall time of all its steps. Runs that go on at once share the device.")}
      </dl>
      <button class="quiet text" data-testid="open-${this.which}" aria-disabled=${gone ? "true" : "false"} aria-describedby=${gone ? `gone-${this.which}` : nothing} title=${gone || "Leave the comparison and look at this in the canvas"} @click=${() => this.page.comparing.open(this.which)}>Open this one</button>`;
  }
}

const fact = (/** @type {string} */ name, /** @type {unknown} */ value, title = "") =>
  html`<div title=${title || nothing}><dt>${name}</dt><dd>${value}</dd></div>`;

customElements.define("um-contender", Contender);
