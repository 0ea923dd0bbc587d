import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { changeInWords, constraintInWords, exactness, KINDS, patternOf, pointed, readConstraint } from "app/core/constraints.js";
import { formIsNext, startModel } from "app/core/models.js";
import { shown } from "app/core/selectors.js";
import { problemsOf } from "app/core/settings.js";

/** What the generated text must match; folded, a line that says whether there is anything. */
class ConstraintEditor extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { form, model, models, refused, tree }) {
    return [form, model, models.known, refused.constraint, tree && shown(this.state)?.settings];
  }

  updated() {
    // What is wrong is not to hide.
    const folded = /** @type {HTMLDetailsElement | null} */ (this.querySelector("details"));
    if (folded?.querySelector('[aria-invalid="true"]')) folded.open = true;
  }

  #type(/** @type {Partial<import("app/core/constraints.js").Typed>} */ fields) {
    this.dispatch({ type: "form.changed", fields: { constraint: { ...this.state.form.constraint, ...fields } } });
  }

  render() {
    const { form, refused } = this.state;
    const { constraint } = form;
    const model = startModel(this.state);
    if (model?.hasTokenizer === false && !constraint.kind) return nothing;
    const problem = refused.constraint ?? problemsOf(model, form).constraint;
    return html`<details class="constraint" data-testid="constraint">
      <summary>Constraint <span class="set" data-testid="constraint-words">${constraintInWords(constraint)}</span></summary>
      <div class="field">
        <label for="constraint-kind">The text must be</label>
        <select id="constraint-kind" data-testid="constraint-kind" @change=${(/** @type {any} */ e) => this.#type({ kind: e.target.value })}>
          <option value="" .selected=${live(constraint.kind === "")}>Anything</option>
          ${KINDS.map(({ kind, label }) => html`<option value=${kind} .selected=${live(kind === constraint.kind)}>${label}</option>`)}
        </select>
      </div>
      ${constraint.kind ? this.#editor(constraint.kind, problem) : nothing}
    </details>
    ${this.#change()}`;
  }

  /** Said though the editor is folded: a constraint is not to go, or to come, unseen. */
  #change() {
    const { settings } = shown(this.state) ?? {};
    const { constraint, problem } = readConstraint(this.state.form.constraint);
    const words = settings && !problem && !formIsNext(this.state) && this.state.connection.state !== "recorded" ? changeInWords(constraint, settings.constraint ?? null) : "";
    return words ? html`<p class="note" data-testid="constraint-change">${words}</p>` : nothing;
  }

  #editor(/** @type {import("app/core/constraints.js").Kind} */ kind, /** @type {string | undefined} */ problem) {
    const { constraint } = this.state.form;
    const { label, hint } = /** @type {typeof KINDS[number]} */ (KINDS.find((known) => known.kind === kind));
    const pattern = patternOf(constraint);
    return html`<div class="field">
      <label class="unseen" for="constraint-pattern">${label}</label>
      <textarea
        id="constraint-pattern"
        data-testid="constraint-pattern"
        data-kind=${kind}
        rows=${Math.min(10, Math.max(2, pattern.split("\n").length))}
        spellcheck="false"
        autocomplete="off"
        autocapitalize="off"
        .value=${live(pattern)}
        aria-invalid=${problem ? "true" : nothing}
        aria-describedby="constraint-problem constraint-note"
        @input=${(/** @type {any} */ e) => this.#type({ texts: { ...constraint.texts, [kind]: e.target.value } })}
      ></textarea>
      <div id="constraint-problem" role="status">${problem ? this.#problem(problem, pattern) : nothing}</div>
    </div>
    <p class="note" id="constraint-note">${hint} <span data-testid="exactness">${exactness(kind, startModel(this.state))}</span></p>`;
  }

  #problem(/** @type {string} */ problem, /** @type {string} */ pattern) {
    const { words, line, caret, number } = pointed(problem, pattern);
    return html`<div class="constraint-problem" data-testid="constraint-problem">
      <p class="note" data-problem>${number === null ? nothing : `Line ${number}${caret === null ? "" : `, column ${caret + 1}`}: `}${words}</p>
      ${line ? html`<pre class="pointed" data-testid="constraint-pointed" aria-hidden="true">${line}${caret === null ? nothing : `\n${" ".repeat(caret)}^`}</pre>` : nothing}
    </div>`;
  }
}

customElements.define("um-constraint", ConstraintEditor);
