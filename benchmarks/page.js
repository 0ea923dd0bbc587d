// What benchmarks/page.py runs inside the page: the page's own store and modules,
// with frames made up here, for no small model has 1,024 positions.
async (/** @type {{ length: number, vocabulary: { id: number, text: string, special: boolean }[] }} */ { length, vocabulary }) => {
  const { frameOf } = await import("app/core/tree.js");
  const { page } = document.querySelector("um-app");
  const { store } = page;
  const PROMPT = 20;
  const OPEN = 1, GIVEN = 3;
  const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
  let seed = 1;
  const random = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below;
  const token = () => vocabulary[random(vocabulary.length)].id;

  store.dispatch({ type: "tokens.received", model: store.state.model.name, tokens: vocabulary });

  /** The tokens drafted last, by position. @type {Map<number, number>} */
  const drafted = new Map();

  /** A draft of some positions: every probability is another one than before, and one token in ten. */
  function draftOf(/** @type {number[]} */ positions, /** @type {number} */ predictedAt) {
    const bytes = () => Uint8Array.from(positions, () => random(256));
    for (const position of positions) if (!drafted.has(position) || random(10) === 0) drafted.set(position, token());
    return { positions, tokens: positions.map((position) => drafted.get(position)), probabilities: bytes(), entropies: bytes(), predictedAt };
  }

  const bench = {
    open: /** @type {number[]} */ ([]),
    id: "",

    /** A session with all positions open, and as if a run had begun. */
    begin(/** @type {Record<string, unknown>} */ view) {
      seed = 1;
      bench.id = `bench-${performance.now()}`;
      bench.open = Array.from({ length: length - PROMPT }, (_, i) => PROMPT + i);
      const tokens = Array.from({ length }, token);
      const states = tokens.map((_, position) => (position < PROMPT ? GIVEN : OPEN));
      store.dispatch({ type: "view.changed", view });
      store.dispatch({ type: "session.opened", session: { id: bench.id, model: store.state.model.name, promptLength: PROMPT, settings: null, tokens, states } });
      store.dispatch({ type: "activity.started", activity: "run" });
      store.dispatch({ type: "frame.received", session: bench.id, frame: bench.frame(1, 0, bench.open) });
    },

    end() {
      store.dispatch({ type: "activity.ended" });
      store.dispatch({ type: "session.closed" });
    },

    /** A step that commits some of the open positions; when few are left, all are opened again by hand. */
    frame(/** @type {number} */ revision, /** @type {number} */ count, /** @type {number[] | null} */ drafted) {
      const again = bench.open.length < count;
      const taken = again ? Array.from({ length: length - PROMPT }, (_, i) => PROMPT + i) : Array.from({ length: count }, () => bench.open.splice(random(bench.open.length), 1)[0]);
      if (again) bench.open = taken;
      return frameOf({
        revision,
        parent: revision - 1,
        cause: again ? "edit" : "step",
        changes: taken.map((position) => ({ position, token: again ? null : token(), probability: again ? null : random(256) / 255, given: false })),
        summary: { openCount: bench.open.length, forwardCount: 1, totalForwardCount: revision, meanProbability: 0.5, minProbability: 0.25, meanEntropy: 1, seconds: 0.02, totalWallSeconds: revision * 0.03, pending: false, tokensBeforeEnd: null, approximations: [] },
        draft: drafted ? draftOf(drafted, revision) : null,
        time: 1e12 + revision,
      });
    },

    /** Milliseconds of scripting and layout of each step: its event, the drawing that follows, and the layout of all that is drawn. */
    async steps(/** @type {{ count: number, changed: number, drafts: boolean, from: number }} */ { count, changed, drafts, from }) {
      const times = [];
      for (let i = 0; i < count; i++) {
        const frame = bench.frame(from + i, changed, null);
        if (drafts) frame.draft = draftOf([...bench.open], frame.revision);
        await next(); // whatever is due is done
        let drawing = 0;
        // Asked for before the store asks: the first of the next frame.
        requestAnimationFrame(() => (drawing = performance.now()));
        const begun = performance.now();
        store.dispatch({ type: "frame.received", session: bench.id, frame });
        const folded = performance.now();
        // Asked for after the store has: what it notified is drawn by then.
        await next();
        void document.body.offsetHeight;
        times.push(folded - begun + performance.now() - drawing);
        if (frame.cause === "edit") times.pop();
      }
      return times;
    },

    /** Takes frames, some of them within one refresh of the screen. */
    async take(/** @type {{ count: number, changed: number, from: number, drafts: boolean, at_once: number }} */ { count, changed, from, drafts, at_once }) {
      for (let i = 0; i < count; i++) {
        const frame = bench.frame(from + i, changed, null);
        if (drafts) frame.draft = draftOf([...bench.open], frame.revision);
        store.dispatch({ type: "frame.received", session: bench.id, frame });
        if (i % at_once === 0) await next();
      }
      await next();
    },

    /** The same frames, kept in a list and nothing else. */
    keep(/** @type {{ count: number, changed: number, from: number, drafts: boolean }} */ { count, changed, from, drafts }) {
      const kept = (bench.kept ??= []);
      for (let i = 0; i < count; i++) {
        const frame = bench.frame(from + i, changed, null);
        if (drafts) frame.draft = draftOf([...bench.open], frame.revision);
        kept.push(frame);
      }
    },
  };
  Object.assign(window, { bench });
}
