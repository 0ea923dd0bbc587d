// Lets Node resolve what a browser resolves: the import map of index.html.
import { register } from "node:module";

register("./import-map-hooks.mjs", import.meta.url);
