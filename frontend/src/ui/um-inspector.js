import { html, nothing } from "lit";
import { drawnWith } from "app/core/drawn-with.js";
import { PageElement } from "app/ui/page-element.js";
import { tokenFace } from "app/ui/token-face.js";
import { addButton, bar, offered, unseen } from "app/ui/candidate.js";
import { faceOfId, hindrances, inspected, shown } from "app/core/selectors.js";
import { validInWords } from "app/core/constraints.js";
import { whyCut } from "app/core/cut.js";
import { watchHindrance, watchOf } from "app/core/watched.js";
import { shownRevision } from "app/core/state.js";
import { headOf } from "app/core/tree.js";
import { decimal, percent, plural } from "app/core/format.js";
import { offline, switchedOff } from "app/core/readiness.js";
import { focusOn } from "app/ui/focus.js";
import "app/ui/um-edit.js";
import "app/ui/um-maximise.js";
import "app/ui/um-life.js";
import "app/ui/um-why.js";
import * as icons from "app/ui/icons.js";

/** What the model weighed at the position looked at. */
class Inspector extends PageElement {
  /** The last weighing shown, kept in view, dimmed, while the next is on its way. @type {any} */
  #last = null;
  /** The position looked at last. @type {number | null} */
  #position = null;

  /** @override */
  watched(/** @type {any} */ { tree, shown: revision, looked, weighings, trial, form, model, tokens, picks, watched, connection, activity, view }) {
    return [tree, revision, looked, weighings, trial, form, model, tokens, picks, watched.tokens, connection.state, activity, view.asks];
  }

  render() {
    const view = inspected(this.state);
    this.#position = view?.position ?? this.#position;
    return html`<section class="card inspector" aria-labelledby="inspector-title" data-testid="inspector" data-position=${view?.position ?? nothing}>
      <header class="card-head">
        <h2 id="inspector-title">${view ? `Position ${view.position}` : "Inspector"}</h2>
        <span class="grow"></span>
        ${view
          ? html`<um-maximise .page=${this.page} panel="inspector" name="the inspector"></um-maximise>
            <button class="quiet" aria-label="Close the inspector" title="Close (Esc)" @click=${() => this.page.inspection.look(null)}>${icons.close}</button>`
          : nothing}
      </header>
      ${view ? this.#body(view) : html`<p class="empty">Click a token, or an open cell, to see what the model weighed there.</p>`}
    </section>`;
  }

  /** @override */
  refocused() {
    focusOn(`#cell-${this.#position}`, "um-canvas .cell[tabindex='0']");
  }

  /** Nothing can be asked and nothing picked. */
  get #recorded() {
    return this.state.connection.state === "recorded";
  }

  #body(/** @type {NonNullable<ReturnType<typeof inspected>>} */ view) {
    const locked = view.locked ? html`<p class="lede locked">${icons.locked} Locked: no step changes it.</p>` : nothing;
    return html`<um-edit .page=${this.page}></um-edit>
      ${this.#about(view)} ${locked} ${view.target ? this.#weighing(view) : nothing}
      <um-why .page=${this.page}></um-why>
      <um-life .page=${this.page}></um-life>`;
  }

  /** What stands there and where it came from. */
  #about(/** @type {NonNullable<ReturnType<typeof inspected>>} */ view) {
    const { state, token, target, inPrompt, origin } = view;
    if (state === "given") {
      const where = inPrompt ? "is part of the prompt" : "was given for this position";
      return html`<p class="lede">
        ${this.#chip(token)} ${where}. No step changes it.${target ? ` The model wrote it at revision ${target.origin}, and weighed just before:` : ""}
      </p>`;
    }
    if (target) return this.#lede(view);
    const cut = (this.state.tree?.first ?? 0) > 0;
    const unknown = cut ? "what the model weighed before is not kept any more" : "the model had weighed nothing there";
    if (origin > 0) return html`<p class="lede">${this.#chip(token)} was written at revision ${origin}; ${unknown}.</p>`;
    return html`<p class="lede">${this.#chip(token)} was there ${cut ? "at the oldest revision kept" : "from the beginning"}.</p>`;
  }

  #lede(/** @type {any} */ { state, token, probability, target, byHand }) {
    if (state === "open") return html`<p class="lede">Open. The candidates at revision ${target.revision}:</p>`;
    const p = Number.isFinite(probability) ? html`, p ${percent(probability)}` : nothing;
    const made = this.state.tree?.revisions[target.origin].cause;
    const how = byHand ? `${made === "edit" ? "written" : "picked"} by hand` : target.replaced === null ? "committed" : "edited";
    const before = target.replaced === null ? nothing : html`, in the place of ${this.#chip(target.replaced)}`;
    return html`<p class="lede">
      ${this.#chip(token)} ${how} at revision ${target.origin}${p}${before}. What the model weighed
      ${target.replaced === null ? "just before" : `when the position was last open, at revision ${target.revision}`}:
    </p>
    ${this.#drawn(drawnWith(this.state.tree?.revisions[target.origin].settings, byHand))}`;
  }

  #drawn(/** @type {string} */ words) {
    return words ? html`<p class="lede" data-testid="drawn-with" title="The settings in force at the time">${words}.</p>` : nothing;
  }

  #weighing(/** @type {any} */ view) {
    const { weighing } = view;
    const { position } = view.target;
    if (weighing?.failed) {
      return html`<p class="lede" data-problem>${weighing.failed}</p>
        <button class="button" @click=${() => this.page.inspection.retry()}>Try again</button>`;
    }
    const { trial } = view;
    const weighed = weighing && weighing !== "asked" ? weighing : null;
    const tried = trial?.weighing;
    const ready = trial && !trial.current ? null : (tried ?? weighed);
    if (ready) this.#last = ready;
    const drawn = ready ?? (!this.#recorded && this.#last?.position === position ? this.#last : weighed);
    if (!drawn && this.#recorded) return html`<p class="lede" data-testid="not-recorded">The candidates of this position are not in the recording.</p>`;
    if (!drawn) return html`<p class="lede waiting" role="status">${offline(this.state) || switchedOff(this.state, "see what it weighs here") || "Asking the model…"}</p>`;
    const settings = tried ? trial.settings : view.settings;
    const cut = (/** @type {import("app/core/state.js").Candidate} */ candidate) => whyCut(drawn, candidate, settings?.parameters ?? {}, this.state.model?.maskToken ?? null);
    const offer = { position: view.position, chosen: view.target.chosen, greedy: settings?.parameters.temperature === 0, cut, hindrance: hindrances(this.state).pick };
    const standing = view.state === "open" ? null : view.target.chosen;
    const size = this.state.model?.vocabularySize ?? 0;
    const barred = drawn.candidates.filter((/** @type {any} */ { invalid }) => invalid).length;
    const onlyShown = drawn.candidates.filter((/** @type {any} */ { kept }) => !kept).length - barred;
    return html`<div class="weighing" ?data-open=${view.state === "open"} ?data-stale=${!ready} aria-busy=${!ready}>
      ${tried
        ? html`<p class="trial" data-testid="trial">
            <span class="badge" data-warn title="The sampler's side is what the settings in the form would make of these logits. They take hold with the next step.">as in the form, not yet in force</span>
          </p>`
        : nothing}
      ${standing === null || drawn.candidates.some((/** @type {any} */ { token }) => token === standing)
        ? nothing
        : html`<p class="lede" data-testid="not-listed">Here: ${this.#chip(standing)}, not among the likeliest.</p>`}
      <div class="row-head" aria-hidden="true">
        <span>token</span><span></span>
        <span title="p_base: the model's own probability, before anything is done to it">model</span>
        <span title="p_final: after penalties, temperature, constraints, top-k and top-p; what the sampler draws from">sampler</span>
      </div>
      <ol
        class="candidates"
        data-testid="candidates"
        @pointerover=${(/** @type {Event} */ e) => this.#point(view, e)}
        @pointerleave=${() => this.page.attribution.point(null)}
        @focusin=${(/** @type {Event} */ e) => this.#point(view, e)}
        @focusout=${() => this.page.attribution.point(null)}
      >
        ${drawn.candidates.map((/** @type {any} */ candidate, /** @type {number} */ rank) => this.#row(view, candidate, rank, offer))}
      </ol>
      ${drawn.otherPBase > 0.00005 || drawn.otherPFinal > 0.00005 ? this.#others(drawn) : nothing}
      <dl class="facts">
        <div title=${`Of p_base. The most there can be with ${size} tokens is ${decimal(Math.log(size))} nats.`}>
          <dt>Entropy${size > 1 ? ", of the most" : nothing}</dt>
          <dd class="number" data-testid="entropy">${decimal(drawn.entropy)} nats${size > 1 ? html`, ${percent(drawn.entropy / Math.log(size))}` : nothing}</dd>
        </div>
        <div title="The likeliest token's p_base less the second's"><dt>Margin</dt><dd class="number">${decimal(drawn.margin)}</dd></div>
        ${drawn.validCount === null || drawn.validCount === undefined
          ? nothing
          : html`<div class="allowed" title="By the constraint; of the whole vocabulary"><dt>Allowed</dt><dd data-testid="valid-count">${validInWords(drawn.validCount, size)}</dd></div>`}
        <div title="Tokens that the sampler may draw"><dt>Kept</dt><dd class="number" data-testid="kept">${plural(drawn.keptCount, "token")}</dd></div>
      </dl>
      <p class="note">
        ${barred ? html`<span class="barred" data-testid="barred">${icons.barred} ${plural(barred, "row")} not allowed by the constraint.</span>` : nothing}
        ${onlyShown ? `${plural(onlyShown, "row")} visual only: the sampler does not draw ${onlyShown === 1 ? "it" : "them"}.` : nothing}
        ${drawn.recomputed
          ? html`<span class="badge" data-testid="recomputed" title="The logits were no longer at hand; the forward pass was made again.">recomputed</span>`
          : nothing}
      </p>
      ${this.#advice(view)}
    </div>`;
  }

  /** Why a candidate would be there may be asked of the one pointed at. */
  #point(/** @type {any} */ { position }, /** @type {Event} */ event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".candidate"));
    this.page.attribution.point(row ? { position, token: Number(row.dataset.token) } : null);
  }

  #row(/** @type {any} */ view, /** @type {any} */ candidate, /** @type {number} */ rank, /** @type {import("app/ui/candidate.js").Offer} */ offer) {
    const { token, pBase, pFinal, kept } = candidate;
    const told = offered(this.state, offer, candidate);
    const { face, isChosen, why, limit, invalid } = told;
    return html`<li class="candidate" ?data-cut=${!kept} ?data-invalid=${invalid} ?data-chosen=${isChosen} data-token=${token} data-rank=${rank}>
      <button
        class="choose"
        aria-disabled=${why ? "true" : "false"}
        title=${told.title}
        @click=${() => !why && this.page.session.pick(view.position, token)}
      >
        <span class="token" ?data-special=${face.special}
          >${tokenFace(face)}${face.body ? nothing : unseen(face.name)}${isChosen ? icons.check : nothing}${isChosen ? unseen(", the token there") : nothing}</span
        >
        ${bar(pBase, pFinal)} ${unseen(kept ? ", model and sampler " : `, ${limit}Model and sampler `)}
        <span class="number">${percent(pBase)}</span>
        <span class="number">${invalid ? html`<span class="not-allowed">${icons.barred}</span>` : kept ? percent(pFinal) : told.never ? "never" : offer.greedy ? html`<s>0%</s>` : "cut"}</span>
      </button>
      ${this.#watchButton(view, token, face)}
      ${view.state === "open" ? addButton(this.page, view.position, candidate, told) : nothing}
    </li>`;
  }

  /** Watches the token here, wherever the position goes. */
  #watchButton(/** @type {any} */ { target }, /** @type {number} */ token, /** @type {import("app/core/tokens.js").Face} */ face) {
    const { revision, position } = target;
    const watched = watchOf(this.state, revision, position, token) !== undefined;
    const why = watched ? "" : watchHindrance(this.state);
    return html`<button
      class="quiet add watch-switch"
      data-testid="watch-switch"
      aria-pressed=${watched ? "true" : "false"}
      aria-disabled=${why ? "true" : "false"}
      aria-label="Watch ${face.name}"
      title=${why || (watched ? "Stop watching this token" : "Watch this token: how probable it was, over the revisions")}
      @click=${() => !why && this.page.watched.toggle(revision, position, token)}
    >
      ${icons.eye}
    </button>`;
  }

  #others(/** @type {any} */ { otherPBase, otherPFinal }) {
    return html`<p class="others">
      <span>all others</span>
      ${bar(otherPBase, otherPFinal)}
      <span class="number">${percent(otherPBase)}</span>
      <span class="number">${percent(otherPFinal)}</span>
    </p>`;
  }

  #advice(/** @type {any} */ view) {
    const { tree } = this.state;
    if (!tree || !shown(this.state) || this.#recorded) return nothing;
    if (view.state !== "open") {
      return html`<p class="note">
        Picking another token goes back to revision ${view.target.revision} and branches off there. What stands now stays on the timeline.
      </p>`;
    }
    if (shownRevision(this.state) !== headOf(tree)) {
      return html`<p class="note">Picking a token branches off from revision ${shownRevision(this.state)}. Later revisions stay on the timeline.</p>`;
    }
    return nothing;
  }

  #chip(/** @type {number | null} */ token) {
    if (token === null) return nothing;
    const face = faceOfId(this.state, token);
    return html`<span class="token" ?data-special=${face.special}>${tokenFace(face)}</span>`;
  }
}

customElements.define("um-inspector", Inspector);
