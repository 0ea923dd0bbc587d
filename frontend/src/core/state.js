// The page's state and every event that changes it. Server frames and a person's
// actions are events alike; what they mean is decided here and nowhere else.
import { METHOD_CHOICE, UNASKED, whyChanged } from "app/core/attribution.js";
import { OPEN } from "app/core/canvas.js";
import { broughtBack, compared, keptApart } from "app/core/comparing.js";
import { NO_CONSTRAINT } from "app/core/constraints.js";
import { followed } from "app/core/following.js";
import { newest, NO_MODELS } from "app/core/models.js";
import { NO_SESSIONS } from "app/core/sessions.js";
import { withMargins } from "app/core/margins.js";
import { NO_BRUSH, NOTHING, stillMarked } from "app/core/marking.js";
import { UNRECOVERED } from "app/core/recovering.js";
import { UNSCORED } from "app/core/scoring.js";
import { fitting, NONE_ASIDE, returned, setAside, stillFitting } from "app/core/picks.js";
import { based, headOf, grow, plant, remember, trimmed } from "app/core/tree.js";

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
 * @property {boolean} invalid  the constraint does not let it stand there
 *
 * @typedef {object} Weighing  what the model weighed at one position
 * @property {number} position
 * @property {Candidate[]} candidates
 * @property {number} otherPBase
 * @property {number} otherPFinal
 * @property {number} keptCount
 * @property {number} entropy
 * @property {number} margin
 * @property {number | null} validCount  tokens that the constraint lets stand there; null: there is
 *   none, or it is not known beforehand
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
 * @typedef {object} Watch  a token watched at a position, of the revision that it was taken up at
 * @property {number} token
 * @property {number} revision
 * @property {number} position
 *
 * @typedef {object} Watched
 * @property {string | null} session  the one that the positions are of
 * @property {readonly Watch[]} tokens
 * @property {ReadonlyMap<string, { tokens: number[], probabilities: number[] }>} weighed  the likeliest tokens
 *   and their p_base, many of them, by weighingKey()
 * @property {{ done: number, total: number } | null} filling  what is missing is being asked for
 *
 * @typedef {object} Connection
 * @property {"connecting" | "loading" | "ready" | "lost" | "recorded"} state  loading: the
 *   service is there, its model not yet. recorded: there is none, and none is wanted
 * @property {number | null} retryAt  milliseconds since 1970
 * @property {string} why
 *
 * @typedef {"start" | "open" | "forward" | "step" | "run" | "propose" | "select" | "edit" | "rewind"} Activity
 *
 * @typedef {import("app/core/store.js").Store<State, any>} PageStore
 *
 * @typedef {object} State
 * @property {Connection} connection
 * @property {Model | null} model  that of the session in view; without one, that of the next session
 * @property {import("app/core/models.js").Models} models
 * @property {import("app/core/sessions.js").Sessions} sessions  those made earlier
 * @property {string | null} opening  the session that is on its way into view
 * @property {ReadonlyMap<number, Token>} tokens  by id
 * @property {Form} form
 * @property {Record<string, string | boolean>} ranking  what was typed for auto-select
 * @property {Tree | null} tree
 * @property {boolean | null} chat  the session's prompt was put through the chat template; null: not known
 * @property {import("app/core/copy-as.js").Asked | null} asked  what the session was started with, where it was started here
 * @property {number | null} shown  the revision looked at; null follows the newest
 * @property {number | null} looked  the position looked at
 * @property {string} writing  what was typed to be written at a position
 * @property {string} saying  what was typed to be said next
 * @property {ReadonlyMap<string, Weighing | "asked" | { failed: string }>} weighings  by weighingKey()
 * @property {Trial | null} trial
 * @property {ReadonlyMap<number, import("app/core/margins.js").Margins>} margins  by revision
 * @property {ReadonlyMap<number, Pick>} picks  by position
 * @property {import("app/core/picks.js").Aside} aside  the picks of revisions that are not shown
 * @property {ReadonlySet<number>} marked  positions to do something to at once
 * @property {import("app/core/marking.js").Brush} brush
 * @property {Remask} remask
 * @property {Watched} watched
 * @property {import("app/core/attribution.js").Why} why
 * @property {import("app/core/scoring.js").Scoring} scoring
 * @property {import("app/core/recovering.js").Recovering} recovering
 * @property {import("app/core/comparing.js").Comparison} compare
 * @property {"" | "revisions" | "comparison"} playing  what is there is shown step by step, without asking the model
 * @property {Activity | null} activity
 * @property {boolean} stopping
 * @property {boolean} interrupted  a run was cut off by a lost connection
 * @property {{ why: string, count: number } | null} refusal  why the key pressed last did nothing; count: of all refusals
 * @property {{ what: string, done: number, total: number } | null} saving  what is being made to be taken away. total: 0 where it is not known
 * @property {number | null} tour  the step of the tour, from 0
 * @property {readonly Notice[]} notices
 * @property {Record<string, string>} refused  what the server found wrong with the form, by field, until it is changed
 * @property {{ draft: boolean, prompt: boolean, delay: number, theme: string, selector: "ranking" | "sampler",
 *             branches: boolean | null, heat: boolean, mode: "reading" | "rows" | "grid", rows: import("app/core/rows.js").Filter, lens: import("app/core/lenses.js").Lens,
 *             specials: boolean, compare: boolean, maximised: string, keys: boolean, toured: boolean, asks: boolean, numbers: boolean, inspection: "score" | "recover", why: import("app/core/attribution.js").Choice }} view
 *   selector: what auto-select asks. branches: listed; null: where there are several. mode: how the
 *   canvas is drawn. rows: which positions the rows list. lens: what its colours say. specials: special tokens are shown.
 *   compare: side by side, in the canvas's place. maximised: the panel that has the page to itself.
 *   keys: single letters are commands. asks: the model is on; off, nothing is asked of it. numbers: all of them are shown. why: how it is asked why a token is there. inspection: which of the two was open last.
 */

/** @type {Form} */
export const EMPTY_FORM = {
  model: "",
  prompt: "Tell me a story about Tom and a red kite.",
  chat: true,
  system: "",
  turns: [],
  specialTokens: null,
  addSpecialTokens: true,
  length: "",
  words: "",
  sampler: "",
  typed: {},
  seed: "1",
  constraint: NO_CONSTRAINT,
  cache: "",
  cacheTyped: {},
  dirty: false,
};

/** @type {Watched} */
const UNWATCHED = { session: null, tokens: [], weighed: new Map(), filling: null };

/**
 * @param {{ form?: Partial<Form>, ranking?: State["ranking"], view?: Partial<State["view"]>, writing?: string, saying?: string, wish?: Partial<import("app/core/models.js").Wish>, watched?: { session: string | null, tokens: Watch[] }, compare?: import("app/core/comparing.js").Kept, scoring?: Partial<import("app/core/scoring.js").ScoreForm>, recovering?: Partial<import("app/core/recovering.js").RecoverForm> }} [kept]
 *   what was kept from an earlier visit
 * @returns {State}
 */
export function initialState(kept = {}) {
  return {
    connection: { state: "connecting", retryAt: null, why: "" },
    model: null,
    models: { ...NO_MODELS, wish: { ...NO_MODELS.wish, ...kept.wish } },
    sessions: NO_SESSIONS,
    opening: null,
    tokens: new Map(),
    form: { ...EMPTY_FORM, ...kept.form },
    ranking: kept.ranking ?? {},
    tree: null,
    chat: null,
    asked: null,
    shown: null,
    looked: null,
    writing: kept.writing ?? "",
    saying: kept.saying ?? "",
    weighings: new Map(),
    trial: null,
    margins: new Map(),
    picks: new Map(),
    aside: NONE_ASIDE,
    marked: NOTHING,
    brush: NO_BRUSH,
    remask: { open: false, share: 0.25, rho: 0, answer: null },
    watched: { ...UNWATCHED, ...kept.watched },
    why: UNASKED,
    scoring: { ...UNSCORED, form: { ...UNSCORED.form, ...kept.scoring } },
    recovering: { ...UNRECOVERED, form: { ...UNRECOVERED.form, ...kept.recovering } },
    compare: broughtBack(kept.compare),
    playing: "",
    activity: null,
    stopping: false,
    interrupted: false,
    refusal: null,
    saving: null,
    tour: null,
    notices: [],
    refused: {},
    view: { draft: true, prompt: true, delay: 0, theme: "auto", selector: "ranking", branches: null, heat: false, mode: "reading", rows: "open", lens: "confidence", specials: true, compare: false, maximised: "", keys: true, toured: false, asks: true, numbers: false, inspection: "score", why: METHOD_CHOICE, ...kept.view },
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
  const answered = stale ? { ...next, refusal: null } : next;
  return answered.playing && PAUSES.has(event.type) ? { ...answered, playing: "" } : answered;
}

/** What a person does while something is replayed pauses it. */
const PAUSES = new Set(["session.opened", "session.closed", "revision.shown", "pick.added", "activity.started", "compare.moved", "compare.chosen", "compare.running"]);

const ANSWERS = new Set(["session.opened", "session.closed", "revision.shown", "position.looked", "pick.added", "activity.started", "activity.ended", "view.changed", "play.changed", "compare.moved", "compare.chosen", "compare.running"]);

/** @param {State} state @param {any} event @returns {State} */
function reduced(state, event) {
  switch (event.type) {
    case "connection.changed":
      return { ...state, connection: { ...state.connection, ...event.connection } };

    case "model.received": {
      const model = newest(state.models.known[event.model.name], event.model);
      return viewing({ ...state, models: withModel(state.models, model) }, state.tree && state.tree.model !== model.name ? state.model : model);
    }
    case "models.changed":
      return { ...state, models: { ...state.models, ...event.fields } };
    case "sessions.changed":
      return { ...state, sessions: { ...state.sessions, ...event.fields } };
    case "tokens.received": {
      if (event.model !== state.model?.name) return state;
      const tokens = new Map(state.tokens);
      for (const token of event.tokens) tokens.set(token.id, token);
      return { ...state, tokens };
    }

    case "form.changed":
      return viewing({ ...state, form: { ...state.form, ...event.fields, dirty: state.form.dirty || affectsSettings(event.fields) }, refused: stillRefused(state.refused, event.fields) }, state.model);
    case "form.typed": {
      const { sampler, name, value } = event;
      const typed = { ...state.form.typed, [sampler]: { ...state.form.typed[sampler], [name]: value } };
      return { ...state, form: { ...state.form, typed, dirty: true } };
    }
    case "form.sent":
      return { ...state, form: { ...state.form, dirty: false } };
    case "ranking.typed":
      return { ...state, ranking: { ...state.ranking, [event.name]: event.value } };

    case "session.opening":
      return { ...state, opening: event.id };
    case "session.opened": {
      const opened = {
        ...state,
        compare: keptApart(state, event.session.id),
        tree: plant(event.session),
        models: { ...state.models, said: "" },
        opening: null,
        asked: event.asked ?? state.asked,
        chat: event.chat ?? (state.tree?.id === event.session.id ? state.chat : null),
        shown: null,
        looked: null,
        weighings: new Map(),
        trial: null,
        margins: new Map(),
        picks: new Map(),
        aside: NONE_ASIDE,
        refused: {},
        marked: NOTHING,
        brush: NO_BRUSH,
        watched: state.watched.session === event.session.id ? state.watched : UNWATCHED,
        interrupted: false,
      };
      return viewing(opened, state.models.known[event.session.model] ?? state.model);
    }
    case "session.closed":
      return viewing({ ...state, opening: null, tree: null, shown: null, looked: null, weighings: new Map(), trial: null, margins: new Map(), picks: new Map(), aside: NONE_ASIDE, marked: NOTHING, brush: NO_BRUSH, interrupted: false }, state.model);
    case "recording.opened": {
      const { model, tokens, tree, weighings, chat, asked } = event.recording;
      return { ...state, connection: { state: "recorded", retryAt: null, why: "" }, model, tokens, tree, weighings, chat, asked };
    }
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
      return { ...state, tree, picks: stillFitting(state.picks, tree, before), looked: stillLooked(state.looked, tree, before, headOf(tree)), ...stillMeant(state, tree, before, headOf(tree)) };
    }
    case "looking.counted":
      return state.tree && event.session === state.tree.id ? { ...state, tree: { ...state.tree, looking: event.passes } } : state;
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
    case "weighings.received": {
      if (!state.tree || event.session !== state.tree.id) return state;
      return { ...state, weighings: bounded(new Map([...state.weighings, ...event.weighings])) };
    }
    case "trial.received":
      return state.tree && event.session === state.tree.id ? { ...state, trial: event.trial } : state;

    case "revision.played":
    case "revision.shown": {
      if (!state.tree) return state;
      const head = headOf(state.tree);
      const revision = event.revision === null ? null : Math.min(Math.max(state.tree.first, event.revision), head);
      const shown = revision === head ? null : revision;
      if (shown === state.shown) return state;
      return { ...state, shown, ...picksFor(state, shown), looked: stillLooked(state.looked, state.tree, shownRevision(state), shown ?? head), ...stillMeant(state, state.tree, shownRevision(state), shown ?? head) };
    }
    case "place.returned": {
      const { tree } = state;
      if (!tree || event.at < tree.first || !tree.revisions[event.at]) return state;
      const head = headOf(tree);
      const shown = event.shown !== null && event.shown < head ? event.shown : null;
      const there = event.looked !== null && event.looked < tree.revisions[event.at].canvas.length;
      return { ...state, shown, ...returned(event.picks ?? [], tree, event.at, shown ?? head), looked: there ? followed(tree, event.at, shown ?? head, event.looked) : null };
    }
    case "position.looked":
      return { ...state, looked: event.position };
    case "writing.changed":
      return { ...state, writing: event.text };
    case "saying.changed":
      return { ...state, saying: event.text };
    case "key.refused":
      return { ...state, refusal: { why: event.why, count: (state.refusal?.count ?? 0) + 1 } };
    case "remask.changed":
      return { ...state, remask: { ...state.remask, ...event.fields } };
    case "marks.changed":
      return { ...state, marked: new Set(event.positions) };
    case "brush.changed": {
      const { kind = state.brush.kind, passed = state.brush.passed } = event.fields;
      return { ...state, brush: { kind, passed: new Set(passed) } };
    }
    case "margins.received":
      if (!state.tree || event.session !== state.tree.id) return state;
      return { ...state, margins: withMargins(state.margins, event.revision, event.margins, event.failed ?? "") };
    case "watch.added":
      if (!state.tree) return state;
      return { ...state, watched: { ...state.watched, session: state.tree.id, tokens: [...state.watched.tokens, event.watch] } };
    case "watch.removed":
      return { ...state, watched: { ...state.watched, tokens: state.watched.tokens.filter((watch) => watch !== event.watch) } };
    case "watch.weighed":
      if (!state.tree || event.session !== state.tree.id) return state;
      return { ...state, watched: { ...state.watched, weighed: new Map([...state.watched.weighed, ...event.weighed]) } };
    case "watch.filling":
      return { ...state, watched: { ...state.watched, filling: event.filling } };
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

    case "scoring.changed":
      return { ...state, scoring: { ...state.scoring, ...event.fields } };
    case "recovering.changed":
      return { ...state, recovering: { ...state.recovering, ...event.fields } };

    case "saving.changed":
      return { ...state, saving: event.saving };
    case "tour.changed":
      return { ...state, tour: event.step, view: event.step === null ? { ...state.view, toured: true } : state.view };

    case "notice.raised": {
      const { notice } = event;
      // Of one action, and of one thing, only the newest is told.
      const others = state.notices.filter((held) => held.what !== notice.what || held.kind !== notice.kind || held.action);
      // Errors, and the way back from something, stay until they are dismissed.
      const all = [...others, { ...notice, id: event.id }];
      return { ...state, refused: { ...state.refused, ...notice.refused }, notices: all.filter(({ action, kind }, at) => action || kind !== "info" || at >= all.length - 4) };
    }
    case "notices.settled": {
      // Its errors are of the past; those of other actions stay.
      const left = state.notices.filter(({ what, kind, action }) => what !== event.what || kind === "info" || action);
      return left.length === state.notices.length ? state : { ...state, notices: left };
    }
    case "notice.dismissed":
      return { ...state, notices: state.notices.filter(({ id }) => id !== event.id) };

    case "play.changed":
      return { ...state, playing: event.playing };
    case "view.changed":
      return { ...state, view: { ...state.view, ...event.view } };

    default:
      if (event.type.startsWith("why.")) return { ...state, why: whyChanged(state.why, event, state) };
      if (event.type.startsWith("compare.")) return { ...state, compare: compared(state.compare, event) };
      throw new TypeError(`no such event: ${event.type}`);
  }
}

/** Of very many weighings the oldest go; they can be asked for again. @param {Map<string, any>} weighings */
function bounded(weighings) {
  const over = weighings.size - MOST_WEIGHINGS;
  for (const key of [...weighings.keys()].slice(0, Math.max(0, over))) weighings.delete(key);
  return weighings;
}

const MOST_WEIGHINGS = 4096;

/**
 * The state with the model in view: the session's; without one that chosen for
 * the next, and where none is chosen, or it is not known yet, the one given.
 * @param {State} state
 * @param {Model | null} otherwise
 * @returns {State}
 */
function viewing(state, otherwise) {
  const { tree, form, models } = state;
  const model = (!tree && form.model && models.known[form.model]) || otherwise;
  if (model === state.model) return state;
  // Ids mean other tokens in another model.
  return { ...state, model, tokens: model?.name === state.model?.name ? state.tokens : new Map() };
}

/** The models with what was read of one. @param {State["models"]} models  @param {Model} model */
function withModel(models, model) {
  const list = models.list?.map((other) => (other.name === model.name ? model : other)) ?? null;
  return { ...models, list, known: { ...models.known, [model.name]: model } };
}

function affectsSettings(/** @type {Partial<Form>} */ fields) {
  return "sampler" in fields || "seed" in fields || "constraint" in fields || "cache" in fields || "cacheTyped" in fields;
}

function stillLooked(/** @type {number | null} */ looked, /** @type {Tree} */ tree, /** @type {number} */ from, /** @type {number} */ to) {
  return looked === null ? null : followed(tree, from, to, looked);
}

/** The server's word on a field is good until the field, or the prompt that takes room from it, is changed. @param {Record<string, string>} refused  @param {Partial<Form>} fields */
function stillRefused(refused, fields) {
  if (!Object.keys(refused).length) return refused;
  const room = "length" in fields ? ["length", "words", "constraint"] : Object.keys(fields);
  const changed = "prompt" in fields || "chat" in fields ? ["prompt", "length", "words", "constraint"] : room;
  return Object.fromEntries(Object.entries(refused).filter(([field]) => !changed.includes(field)));
}

/**
 * Picks belong to the canvas they were made for. What was just made from that
 * canvas takes them along; else they wait there.
 * @param {State} state
 * @param {number | null} shown
 */
function picksFor(state, shown) {
  const tree = /** @type {Tree} */ (state.tree);
  const from = shownRevision(state);
  const head = headOf(tree);
  if (state.activity && shown === null && tree.revisions[head].parent === from) {
    return { picks: stillFitting(state.picks, tree, from), aside: setAside(state.aside, from, new Map()) };
  }
  const aside = setAside(state.aside, from, state.picks);
  const to = shown ?? head;
  return { picks: fitting(aside.get(to) ?? new Map(), tree.revisions[to].canvas), aside };
}

/** Marks move with their positions; what a brush is passing over is of one canvas. */
function stillMeant(/** @type {State} */ { marked, brush }, /** @type {Tree} */ tree, /** @type {number} */ from, /** @type {number} */ to) {
  const moved = stillMarked(marked, tree, from, to);
  return { marked: moved, brush: brush.passed.size ? { ...brush, passed: NOTHING } : brush };
}
