// The composition root: everything is made here, once, and handed down.
import { Store } from "app/core/store.js";
import { initialState, reduce } from "app/core/state.js";
import { Socket } from "app/net/socket.js";
import { Calls } from "app/net/calls.js";
import { Client } from "app/net/client.js";
import { Connection } from "app/actions/connection.js";
import { Vocabulary } from "app/actions/vocabulary.js";
import { Troubles } from "app/actions/troubles.js";
import { SessionActions } from "app/actions/session.js";
import { Editing } from "app/actions/editing.js";
import { Remask } from "app/actions/remask.js";
import { Branches } from "app/actions/branches.js";
import { Inspection } from "app/actions/inspection.js";
import { Takeaway } from "app/actions/takeaway.js";
import { keep, nameInAddress, recall, sessionInAddress } from "app/actions/memory.js";
import "app/ui/um-app.js";

const storage = browserStorage();
const kept = recall(storage);
// A hidden page gets no animation frames, and still has to keep up.
const store = new Store(reduce, initialState(kept), (notify) =>
  document.hidden ? setTimeout(notify, 50) : requestAnimationFrame(notify),
);

const address = new URL("ws", document.baseURI);
address.protocol = address.protocol.replace("http", "ws");
address.hash = "";
const socket = new Socket(address.href);
const client = new Client(new Calls(socket));
const connection = new Connection({ store, client, socket });
const vocabulary = new Vocabulary({ store, client, connection });
const troubles = new Troubles({ store, connection });
const session = new SessionActions({ store, client, connection, vocabulary, troubles });
const editing = new Editing({ store, client, session });
const remask = new Remask({ store, client, connection, troubles });
const branches = new Branches({ store, client, troubles });
const inspection = new Inspection({ store, client, connection, vocabulary });
const takeaway = new Takeaway({ store, session, connection, troubles });

takeaway.take();
let wanted = sessionInAddress() ?? kept.session ?? null;
connection.addEventListener("ready", () => {
  if (wanted) session.open(wanted);
  wanted = null;
});
store.addEventListener("change", () => {
  if (!wanted) nameInAddress(store.state.tree?.id ?? null);
});
window.addEventListener("hashchange", () => {
  const id = sessionInAddress();
  if (id) session.open(id);
});
keep(store, storage);

const app = document.createElement("um-app");
Object.assign(app, { page: { store, connection, session, editing, remask, branches, inspection, takeaway } });
document.body.append(app);
connection.start();

function browserStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
