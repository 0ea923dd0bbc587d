import { readFileSync } from "node:fs";

const page = new URL("../index.html", import.meta.url);
const [, json] = readFileSync(page, "utf8").match(/<script type="importmap">([\s\S]*?)<\/script>/);
const { imports } = JSON.parse(json);

export function resolve(specifier, context, next) {
  const prefix = Object.keys(imports)
    .filter((key) => specifier === key || (key.endsWith("/") && specifier.startsWith(key)))
    .sort((a, b) => b.length - a.length)[0];
  if (!prefix) return next(specifier, context);
  return next(new URL(imports[prefix] + specifier.slice(prefix.length), page).href, context);
}
