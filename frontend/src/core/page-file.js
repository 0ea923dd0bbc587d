// The page as one file that replays a session without a server: what it is made
// of is put together here, as text. Its modules are folded up; src/unfold.js makes
// them data: addresses of an import map, where they are known by their paths.

/**
 * @typedef {object} Parts
 * @property {string} modules  base64 of what gzip makes of the JSON of their texts by path
 * @property {string} entry  the path of the module that starts it
 * @property {string} unfold  the script that unfolds them
 * @property {string} licences  of what others wrote
 * @property {string[]} styles
 * @property {string} icon  SVG
 * @property {string} archive  JSON
 * @property {string} title
 * @property {string} nonce
 */

/** Characters of a prompt in a title. */
const MOST_TITLE = 60;

/**
 * What a page is called: how its prompt begins, and the model.
 * @param {string} prompt
 * @param {string} model
 */
export function titleOf(prompt, model) {
  const line = [...prompt.replace(/\s+/g, " ").trim()];
  const words = line.length > MOST_TITLE ? `${line.slice(0, MOST_TITLE).join("").trim()}…` : line.join("");
  return `${words ? `${words} · ` : ""}${model} · Unmask`;
}

/** Parts that only a page with a server needs. Their tags stay empty in the file. */
const LIVE_ONLY = new Set(["um-settings", "um-prompt", "um-sampler", "um-selection", "um-turn", "um-remask", "um-edit", "um-invite", "um-compare", "um-watched", "um-power", "um-sessions"].map((name) => `src/ui/${name}.js`));

const IMPORTS = /(?<=^|[;}\n])([ \t]*(?:import|export)\b(?:[\w$*{}\s,]*?\bfrom)?\s*)(["'])([^"'\n]+)\2(;?)/g;

/**
 * A module with every import named by its path.
 * @param {string} text
 * @param {(specifier: string) => string} resolve  to a path
 * @returns {{ text: string, imports: string[] }}
 */
export function moduleOf(text, resolve) {
  /** @type {string[]} */
  const imports = [];
  const rewritten = text.replace(IMPORTS, (_, start, quote, specifier, end) => {
    const path = resolve(specifier);
    if (LIVE_ONLY.has(path) && start.trim() === "import") return "";
    imports.push(path);
    return `${start}${quote}${path}${quote}${end}`;
  });
  return { text: rewritten, imports };
}

/** @param {Parts} parts */
export function pageFile({ modules, entry, unfold, licences, styles, icon, archive, title, nonce }) {
  // Nothing comes from outside and nothing goes there.
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' data:`,
    `style-src 'nonce-${nonce}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types lit-html modules",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Unmask">
<title>${inText(title)}</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
<style nonce="${nonce}">
${styles.map(unstyled).join("\n")}
</style>
</head>
<body>
<noscript><p class="noscript">This recording needs JavaScript. It asks no server and sends nothing.</p></noscript>
<script type="application/json" id="archive">${inScript(archive)}</script>
<script type="text/plain" id="licences">${licences.replace(/<(?=[/!])/g, "")}</script>
<script type="text/plain" id="modules">${modules}</script>
<script nonce="${nonce}" data-entry="${entry}">${unfold}</script>
</body>
</html>
`;
}

/** JSON that cannot end the script that it stands in. */
const inScript = (/** @type {string} */ json) => json.replace(/<(?=[/!])|<(?=script)/gi, "\\u003c");

const inText = (/** @type {string} */ text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const unstyled = (/** @type {string} */ css) => css.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\n\s+/g, "\n").replace(/\n{2,}/g, "\n");
