import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { nearest, scaleOf, spark } from "app/ui/spark.js";
import { tokenFace } from "app/ui/token-face.js";
import { plural } from "app/core/format.js";
import { wayOf } from "app/core/heat.js";
import { faceOfId } from "app/core/selectors.js";
import { shownRevision } from "app/core/state.js";
import { digits, fillHindrance, gapsOf, height, pointInWords, trailsOf } from "app/core/watched.js";
import { focusOn } from "app/ui/focus.js";
import * as icons from "app/ui/icons.js";

/** @typedef {import("app/core/watched.js").Trail} Trail */

/** How probable some tokens were, over the revisions on the way. */
class WatchedPanel extends PageElement {
  static properties = { log: { state: true }, table: { state: true } };

  constructor() {
    super();
    this.log = false;
    this.table = false;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown, watched, weighings, tokens, model, connection, activity, view }) {
    return watched.tokens.length ? [tree, shown, watched, weighings, tokens, model, connection.state, activity, view.asks] : [watched.tokens, tree === null];
  }

  /** @override */
  refocused() {
    focusOn("um-watched .watch .quiet", "um-canvas .cell[tabindex='0']");
  }

  #name(/** @type {number} */ token) {
    return `“${faceOfId(this.state, token).name}”`;
  }

  render() {
    const { tree, watched } = this.state;
    if (!tree || !watched.tokens.length) return nothing;
    const trails = trailsOf(this.state);
    return html`<section class="card watched" aria-labelledby="watched-title" data-testid="watched">
      <header class="card-head">
        <h2 id="watched-title">Watched tokens</h2>
        <span class="grow"></span>
        <label class="switch" title="Log scale, from 0.01% to 100%: small probabilities are told apart">
          <input type="checkbox" data-testid="watched-log" .checked=${live(this.log)} @change=${(/** @type {any} */ e) => (this.log = e.target.checked)} />
          <span>Log scale</span>
        </label>
      </header>
      <ul class="watches">
        ${trails.map((trail) => this.#watch(tree, trail))}
      </ul>
      ${this.#gaps(trails)}
      <button class="quiet text" data-testid="watched-table-switch" aria-expanded=${this.table ? "true" : "false"} @click=${() => (this.table = !this.table)}>
        ${this.table ? "Hide the table" : "Show as table"}
      </button>
      ${this.table ? this.#table(trails) : nothing}
    </section>`;
  }

  /** @param {import("app/core/tree.js").Tree} tree @param {Trail} trail */
  #watch(tree, trail) {
    const { watch, points, gaps, here } = trail;
    const face = faceOfId(this.state, watch.token);
    const shown = shownRevision(this.state);
    const scale = scaleOf(tree);
    const open = [...points, ...gaps].map(({ revision }) => revision).sort((a, b) => a - b);
    const order = new Map(open.map((revision, i) => [revision, i]));
    const spots = points.map((point, i) => ({
      x: scale(point.revision),
      y: height(point.probability, this.log),
      joined: i > 0 && /** @type {number} */ (order.get(point.revision)) === /** @type {number} */ (order.get(points[i - 1].revision)) + 1,
      kind: point.known === "below" ? "below" : "",
    }));
    const now = this.#now(trail);
    return html`<li class="watch" data-testid="watch" data-token=${watch.token} data-position=${here.place < 0 ? nothing : here.place} data-known=${here.point?.known ?? nothing}>
      <div class="watch-head">
        <button
          class="watch-look"
          aria-disabled=${here.place < 0 ? "true" : "false"}
          title=${here.place < 0 ? "Its position is not in this revision." : `Inspect position ${here.place}`}
          @click=${() => here.place >= 0 && this.page.inspection.look(here.place)}
        >
          <span class="token" ?data-special=${face.special}>${tokenFace(face)}</span>
          <span class="note">${here.place < 0 ? "not in this revision" : html`at ${here.place}`}</span>
        </button>
        <span class="watch-now number" data-testid="watch-now">${now}</span>
        <button class="quiet" data-testid="unwatch" aria-label="Stop watching ${face.name}" title="Stop watching" @click=${() => this.page.watched.drop(watch)}>${icons.close}</button>
      </div>
      ${spark({
        spots,
        here: scale(shown),
        words: `p_base of ${this.#name(watch.token)}, ${this.log ? "log" : "linear"} scale, on the scale of the timeline: ${this.#span(trail)}. At revision ${shown}: ${now}.`,
        hint: `p_base, from ${this.log ? "0.01%" : "0"} to 100%. A dashed stem: at most that. A click goes there.`,
        test: "watch-spark",
        go: (x) => {
          const revision = nearest(scale, wayOf(tree, shown), x);
          if (revision !== null) this.dispatch({ type: "revision.shown", revision });
        },
      })}
    </li>`;
  }

  #now(/** @type {Trail} */ { here, watch }) {
    if (here.state === "absent") return "–";
    if (here.state === "open") return pointInWords(here.point);
    return here.token === watch.token ? "it stands there" : `${this.#name(here.token ?? 0)} stands there`;
  }

  #span(/** @type {Trail} */ { points, gaps }) {
    const missing = gaps.length ? `, ${gaps.length} not known` : "";
    if (!points.length) return `nothing is known yet${missing}`;
    const [first, last] = [points[0], points[points.length - 1]];
    const most = points.reduce((a, b) => (b.probability > a.probability ? b : a));
    return `revision ${first.revision} ${pointInWords(first)}; revision ${last.revision} ${pointInWords(last)}; highest at revision ${most.revision}${missing}`;
  }

  /** What is missing, and the way to it. */
  #gaps(/** @type {Trail[]} */ trails) {
    const { filling } = this.state.watched;
    if (filling) {
      const { done, total } = filling;
      return html`<div class="filling" role="group" aria-label="Filling in">
        <progress data-testid="filling" max=${total} value=${done} aria-label="Forward passes done"></progress>
        <span class="number note">${done} of ${total}</span>
        <button class="button" data-testid="fill-cancel" @click=${() => this.page.watched.cancel()}>Cancel</button>
      </div>`;
    }
    const missing = gapsOf(trails).length;
    if (!missing) return nothing;
    const why = fillHindrance(this.state);
    return html`<button
      class="button fill"
      data-testid="fill"
      aria-disabled=${why ? "true" : "false"}
      title=${why || "Where the draft was another token, the model is asked again, newest revision first. What is still at hand costs no forward pass."}
      @click=${() => !why && this.page.watched.fill()}
    >
      Fill in the gaps (up to ${plural(missing, "forward pass", "forward passes")})
    </button>`;
  }

  #table(/** @type {Trail[]} */ trails) {
    const shown = shownRevision(this.state);
    const revisions = [...new Set(trails.flatMap(({ points, gaps }) => [...points, ...gaps].map(({ revision }) => revision)))].sort((a, b) => a - b);
    const cell = (/** @type {Trail} */ { points, gaps }, /** @type {number} */ revision) => {
      const point = points.find((each) => each.revision === revision);
      if (!point) return gaps.some((gap) => gap.revision === revision) ? "not known" : "–";
      if (point.known === "below") return `≤ ${digits(point.probability)}, below rank ${point.rank}`;
      return `${point.known === "rounded" ? `≈ ${point.probability.toFixed(2)}` : digits(point.probability)}, rank ${point.rank}`;
    };
    return html`<div class="small-table" tabindex="0" role="region" aria-label="Watched tokens, as a table">
        <table data-testid="watched-table">
          <thead>
            <tr>
              <th scope="col">Revision</th>
              ${trails.map(({ watch, here }) => html`<th scope="col">${faceOfId(this.state, watch.token).name}${here.place < 0 ? "" : ` at ${here.place}`}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${revisions.map((revision) => html`<tr data-revision=${revision} ?data-here=${revision === shown}>
              <th scope="row">${revision}</th>
              ${trails.map((trail) => html`<td>${cell(trail, revision)}</td>`)}
            </tr>`)}
          </tbody>
        </table>
      </div>
      <p class="note">p_base and rank. ≈: from a draft, which holds half a percent. ≤: not among the likeliest that the service lists.</p>`;
  }
}

customElements.define("um-watched", WatchedPanel);
