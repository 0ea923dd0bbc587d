// The page's state and every event that changes it. Server frames and a person's
// actions are events alike; what they mean is decided here and nowhere else.
import { OPEN } from "app/core/canvas.js";
import { followed } from "app/core/following.js";
import { based, headOf, grow, plant, remember, sourcesIn, trimmed } from "app/core/tree.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/settings.js").Form} Form
 * @typedef {import("app/core/settings.js").Model} Model
 * @typedef {import("app/core/tokens.js").Token} Token
 * @typedef {import("app/core/errors.js").Notice} Notice
 *
 * @typedef {object} Candidate
 * @property {number} token
 * @property {number} pBase
 * @property {number} pFinal
 * @property {boolean} kept
 * @property {number} logit
 *
 * @typedef {object} Weighing  what the model weighed at one position
 * @property {number} position
 * @property {Candidate[]} candidates
 * @property {number} otherPBase
 * @property {number} otherPFinal
 * @property {number} keptCount
 * @property {number} entropy
 * @property {number} margin
 * @property {boolean} recomputed
 *
 * @typedef {object} Trial  what the form's distribution settings would make of the position looked at
 * @property {string} key  of trialWanted()
 * @property {Weighing | null} weighing  null where it failed
 *
 * @typedef {object} Pick  a change chosen for a position, not yet applied
 * @property {number | null} token  null: open the position again
 * @property {number | null} replaces  the token that stands there; null: the position is open
 * @property {number | null} probability
 * @property {"hand" | "auto"} by
 *
 * @typedef {object} Remask  the preview of masking again
 * @property {boolean} open  it is unfolded
 * @property {number} share  of the positions that samplers may change, 0 to 1
 * @property {number} rho  0: the doubtful ones; 1: random ones
 * @property {{ key: string, ranked: { position: number, score: number }[] | null } | null} answer
 *   key: of rankingWanted(). ranked: null where it could not be had
 *
 * @typedef {object} Connection
 * @property {"connecting" | "loading" | "ready" | "lost"} state  loading: the
 *   service is there, its model not yet
 * @property {number | null} retryAt  milliseconds since 1970
 * @property {string} why
 *
 * @typedef {"start" | "open" | "forward" | "step" | "run" | "propose" | "select" | "edit" | "rewind"} Activity
 *
 * @typedef {object} State
 * @property {Connection} connection
 * @property {Model | null} model
 * @property {ReadonlyMap<number, Token>} tokens  by id
 * @property {Form} form
 * @property {Record<string, string | boolean>} ranking  what was typed for auto-select
 * @property {Tree | null} tree
 * @property {boolean | null} chat  the session's prompt was put through the chat template; null: not known
 * @property {import("app/core/copy-as.js").Asked | null} asked  what the session was started with, where it was started here
 * @property {number | null} shown  the revision looked at; null follows the newest
 * @property {number | null} looked  the position looked at
 * @property {string} writing  what was typed to be written at a position
 * @property {ReadonlyMap<string, Weighing | "asked" | { failed: string }>} weighings  by weighingKey()
 * @property {Trial | null} trial
 * @property {ReadonlyMap<number, Pick>} picks  by position
 * @property {Remask} remask
 * @property {Activity | null} activity
 * @property {boolean} stopping
 * @property {boolean} interrupted  a run was cut off by a lost connection
 * @property {{ why: string, count: number } | null} refusal  why the key pressed last did nothing; count: of all refusals
 * @property {readonly Notice[]} notices
 * @property {{ draft: boolean, prompt: boolean, delay: number, theme: string, selector: "ranking" | "sampler",
 *             branches: boolean | null, heat: boolean, mode: "reading" | "rows" | "grid", lens: import("app/core/lenses.js").Lens,
 *             specials: boolean, compare: boolean, maximised: string }} view
 *   selector: what auto-select asks. branches: listed; null: where there are several. mode: how the
 *   canvas is drawn. lens: what its colours say. specials: special tokens have their names.
 *   compare: side by side, in the canvas's place. maximised: the panel that has the page to itself
 */

/** @type {Form} */
export const EMPTY_FORM = {
  prompt: "Tell me a story about Tom and a red kite.",
  chat: true,
  length: "",
  words: "",
  sampler: "",
  typed: {},
  seed: "1",
  dirty: false,
};

/**
 * @param {{ form?: Partial<Form>, ranking?: State["ranking"], view?: Partial<State["view"]> }} [kept]
 *   what was kept from an earlier visit
 * @returns {State}
 */
export function initialState(kept = {}) {
  return {
    connection: { state: "connecting", retryAt: null, why: "" },
    model: null,
    tokens: new Map(),
    form: { ...EMPTY_FORM, ...kept.form },
    ranking: kept.ranking ?? {},
    tree: null,
    chat: null,
    asked: null,
    shown: null,
    looked: null,
    writing: "",
    weighings: new Map(),
    trial: null,
    picks: new Map(),
    remask: { open: false, share: 0.25, rho: 0, answer: null },
    activity: null,
    stopping: false,
    interrupted: false,
    refusal: null,
    notices: [],
    view: { draft: true, prompt: true, delay: 0, theme: "auto", selector: "ranking", branches: null, heat: false, mode: "reading", lens: "confidence", specials: true, compare: false, maximised: "", ...kept.view },
  };
}

export const weighingKey = (/** @type {number} */ revision, /** @type {number} */ position) => `${revision}:${position}`;

export const shownRevision = (/** @type {{ tree: Tree | null, shown: number | null }} */ state) => (state.tree ? (state.shown ?? headOf(state.tree)) : 0);

/**
 * @param {State} state
 * @param {any} event
 * @returns {State}
 */
export function reduce(state, event) {
  const next = reduced(state, event);
  // Why a key did nothing is of no interest any more once something is done.
  const stale = next.refusal && next.refusal === state.refusal && ANSWERS.has(event.type) && next !== state;
  return stale ? { ...next, refusal: null } : next;
}

const ANSWERS = new Set(["session.opened", "session.closed", "revision.shown", "position.looked", "pick.added", "activity.started", "activity.ended"]);

/** @param {State} state @param {any} event @returns {State} */
function reduced(state, event) {
  switch (event.type) {
    case "connection.changed":
      return { ...state, connection: { ...state.connection, ...event.connection } };

    case "model.received":
      // Ids mean other tokens in another model.
      return { ...state, model: event.model, tokens: state.model?.name === event.model.name ? state.tokens : new Map() };
    case "tokens.received": {
      if (event.model !== state.model?.name) return state;
      const tokens = new Map(state.tokens);
      for (const token of event.tokens) tokens.set(token.id, token);
      return { ...state, tokens };
    }

    case "form.changed":
      return { ...state, form: { ...state.form, ...event.fields, dirty: state.form.dirty || affectsSettings(event.fields) } };
    case "form.typed": {
      const { sampler, name, value } = event;
      const typed = { ...state.form.typed, [sampler]: { ...state.form.typed[sampler], [name]: value } };
      return { ...state, form: { ...state.form, typed, dirty: true } };
    }
    case "form.sent":
      return { ...state, form: { ...state.form, dirty: false } };
    case "ranking.typed":
      return { ...state, ranking: { ...state.ranking, [event.name]: event.value } };

    case "session.opened":
      return {
        ...state,
        tree: plant(event.session),
        asked: event.asked ?? state.asked,
        chat: event.chat ?? (state.tree?.id === event.session.id ? state.chat : null),
        shown: null,
        looked: null,
        weighings: new Map(),
        trial: null,
        picks: new Map(),
        interrupted: false,
      };
    case "session.closed":
      return { ...state, tree: null, shown: null, looked: null, weighings: new Map(), trial: null, picks: new Map(), interrupted: false };
    case "base.received":
      return state.tree && event.session.id === state.tree.id ? { ...state, tree: based(state.tree, event.session) } : state;
    case "names.received":
      return state.tree && event.session === state.tree.id ? { ...state, tree: { ...state.tree, names: event.names } } : state;
    case "history.trimmed": {
      if (!state.tree || event.session !== state.tree.id) return state;
      const { shown } = state;
      return { ...state, tree: trimmed(state.tree, event.first), shown: shown === null ? null : Math.max(shown, event.first) };
    }
    case "frame.received": {
      if (!state.tree || event.session !== state.tree.id) return state;
      const tree = grow(state.tree, event.frame);
      if (tree === state.tree) return state;
      if (state.shown !== null) return { ...state, tree };
      const before = headOf(state.tree);
      return { ...state, tree, picks: stillFitting(state.picks, tree, before), looked: stillLooked(state.looked, tree, before, headOf(tree)) };
    }
    case "prediction.received":
      if (!state.tree || event.session !== state.tree.id) return state;
      return { ...state, tree: remember(state.tree, event.prediction) };
    case "weighing.changed": {
      if (!state.tree || event.session !== state.tree.id) return state;
      const weighings = new Map(state.weighings);
      if (event.weighing) weighings.set(event.key, event.weighing);
      else weighings.delete(event.key);
      return { ...state, weighings };
    }
    case "trial.received":
      return state.tree && event.session === state.tree.id ? { ...state, trial: event.trial } : state;

    case "revision.shown": {
      if (!state.tree) return state;
      const head = headOf(state.tree);
      const revision = event.revision === null ? null : Math.min(Math.max(state.tree.first, event.revision), head);
      const shown = revision === head ? null : revision;
      // Picks belong to the canvas they were made for.
      if (shown === state.shown) return state;
      return { ...state, shown, picks: new Map(), looked: stillLooked(state.looked, state.tree, shownRevision(state), shown ?? head) };
    }
    case "position.looked":
      return { ...state, looked: event.position };
    case "writing.changed":
      return { ...state, writing: event.text };
    case "key.refused":
      return { ...state, refusal: { why: event.why, count: (state.refusal?.count ?? 0) + 1 } };
    case "remask.changed":
      return { ...state, remask: { ...state.remask, ...event.fields } };
    case "pick.added":
      return { ...state, picks: new Map(state.picks).set(event.position, event.pick) };
    case "pick.removed": {
      const picks = new Map(state.picks);
      picks.delete(event.position);
      return { ...state, picks };
    }
    case "picks.replaced":
      return { ...state, picks: new Map(event.picks) };

    case "activity.started":
      return { ...state, activity: event.activity, stopping: false, interrupted: false };
    case "activity.stopping":
      return { ...state, stopping: state.activity !== null };
    case "activity.ended":
      return { ...state, activity: null, stopping: false, interrupted: event.interrupted ?? false };

    case "notice.raised": {
      const { notice } = event;
      // News of one thing is told once: the newest.
      const same = state.notices.find((held) => held.what === notice.what && (held.why === notice.why || notice.kind === "info") && !held.action);
      const others = state.notices.filter((held) => held !== same);
      // The way back from something stays until it is taken or dismissed.
      const all = [...others, { ...notice, id: event.id }];
      return { ...state, notices: all.filter(({ action }, at) => action || at >= all.length - 4) };
    }
    case "notice.dismissed":
      return { ...state, notices: state.notices.filter(({ id }) => id !== event.id) };

    case "view.changed":
      return { ...state, view: { ...state.view, ...event.view } };

    default:
      throw new TypeError(`no such event: ${event.type}`);
  }
}

function affectsSettings(/** @type {Partial<Form>} */ fields) {
  return "sampler" in fields || "seed" in fields;
}

function stillLooked(/** @type {number | null} */ looked, /** @type {Tree} */ tree, /** @type {number} */ from, /** @type {number} */ to) {
  return looked === null ? null : followed(tree, from, to, looked);
}

/**
 * The picks whose positions are still as they were when they were picked; they
 * move with them.
 * @param {ReadonlyMap<number, Pick>} picks
 * @param {Tree} tree
 * @param {number} before  the head that they were picked at
 */
function stillFitting(picks, tree, before) {
  if (!picks.size) return picks;
  const { canvas, parent, layout } = tree.revisions[headOf(tree)];
  const { states, tokens } = canvas;
  const same = layout === tree.revisions[before].layout;
  const sources = !same && parent === before ? sourcesIn(tree, headOf(tree), before) : [];
  const kept = [...picks]
    .map(([at, pick]) => /** @type {[number, Pick]} */ ([same ? at : (sources ?? []).indexOf(at), pick]))
    .filter(([at, { replaces }]) => at >= 0 && (states[at] === OPEN ? replaces === null : replaces === tokens[at]));
  return same && kept.length === picks.size ? picks : new Map(kept);
}
