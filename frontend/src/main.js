// The composition root: everything is made here, once, and handed down.
import { Store } from "app/core/store.js";
import { initialState, reduce } from "app/core/state.js";
import { Socket } from "app/net/socket.js";
import { Calls } from "app/net/calls.js";
import { Client } from "app/net/client.js";
import { Inspecting } from "app/net/inspecting.js";
import { Heartbeat } from "app/net/heartbeat.js";
import { Connection } from "app/actions/connection.js";
import { Vocabulary } from "app/actions/vocabulary.js";
import { Troubles } from "app/actions/troubles.js";
import { SessionActions } from "app/actions/session.js";
import { Editing } from "app/actions/editing.js";
import { Lens } from "app/actions/lens.js";
import { Remask } from "app/actions/remask.js";
import { Branches } from "app/actions/branches.js";
import { Inspection } from "app/actions/inspection.js";
import { Looking } from "app/actions/looking.js";
import { Watched } from "app/actions/watched.js";
import { Rows } from "app/actions/rows.js";
import { Playing } from "app/actions/playing.js";
import { Comparing } from "app/actions/comparing.js";
import { Takeaway } from "app/actions/takeaway.js";
import { Progress } from "app/actions/progress.js";
import { Attribution } from "app/actions/attribution.js";
import { Scoring } from "app/actions/scoring.js";
import { Recovering } from "app/actions/recovering.js";
import { Archive } from "app/actions/archive.js";
import { Examples } from "app/actions/examples.js";
import { Gif } from "app/actions/gif.js";
import { Demo } from "app/actions/demo.js";
import { Asking } from "app/actions/asking.js";
import { Models } from "app/actions/models.js";
import { Sessions } from "app/actions/sessions.js";
import { Address } from "app/actions/address.js";
import { keep, memories, recall, takeOver } from "app/actions/memory.js";
import { Place } from "app/actions/place.js";
import "app/ui/um-app.js";

const memory = memories();
const { kept, taken } = takeOver(memory, recall(memory));
// A hidden page gets no animation frames, and still has to keep up.
const store = new Store(reduce, initialState(kept), (notify) =>
  document.hidden ? setTimeout(notify, 50) : requestAnimationFrame(notify),
);

const address = new URL("ws", document.baseURI);
address.protocol = address.protocol.replace("http", "ws");
address.hash = "";
const socket = new Socket(address.href);
const calls = new Calls(socket);
const client = new Client(calls);
const inspecting = new Inspecting(calls);
const connection = new Connection({ store, client, socket });
const vocabulary = new Vocabulary({ store, client, connection });
const troubles = new Troubles({ store, connection });
const session = new SessionActions({ store, client, connection, vocabulary, troubles });
const editing = new Editing({ store, client, session });
const lens = new Lens({ store, client, connection });
const remask = new Remask({ store, client, connection, troubles });
const branches = new Branches({ store, client, troubles });
const inspection = new Inspection({ store, client, connection, vocabulary });
new Looking({ store, client, connection });
const attribution = new Attribution({ store, inspecting, connection, vocabulary });
const scoring = new Scoring({ store, inspecting, client, connection });
const recovering = new Recovering({ store, inspecting, client, connection });
const watched = new Watched({ store, client, connection, vocabulary, troubles });
const rows = new Rows({ store, client, connection, vocabulary });
const playing = new Playing({ store });
const comparing = new Comparing({ store, client, connection, session, troubles });
const asking = new Asking({ store, session, comparing, watched });
const models = new Models({ store, client, connection, troubles });
const sessions = new Sessions({ store, client, session, troubles });
const takeaway = new Takeaway({ store, session, models, connection, troubles });
const progress = new Progress({ store, troubles });
const archive = new Archive({ store, client, troubles, progress });
const examples = new Examples({ store, troubles });
const gif = new Gif({ store, troubles, progress });
const demo = new Demo({ store, connection, socket, troubles, show });

takeaway.take();
if (taken.length) troubles.news("Settings of the earlier page were taken over.", `Found in this browser: ${taken.join(", ")}.`);
new Address({ store, session }).begin(kept.session ?? null);
keep(store, new Place(store, kept.place), memory);

const live = { store, connection, session, editing, lens, remask, branches, inspection, attribution, scoring, recovering, watched, rows, playing, comparing, asking, models, sessions, takeaway, progress, archive, gif, examples, demo };
new Heartbeat({ socket, ask: () => client.detokenize(store.state.model?.name ?? "", []) });
// Where the browser knows that the network is gone, nobody needs to wait for it.
window.addEventListener("offline", () => socket.abandon());
window.addEventListener("online", () => connection.retry());
show(null);
connection.start();

/** Puts a page in the place of the one that is shown; null: the live one. */
function show(/** @type {any} */ page) {
  document.querySelector("um-app")?.remove();
  document.body.append(Object.assign(document.createElement("um-app"), { page: page ?? live }));
}
