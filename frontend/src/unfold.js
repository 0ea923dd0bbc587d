// Runs first in a page that was saved as one file: takes its modules out of the
// document and starts them. Not a module: there is no import map before this.
(async (/** @type {any} */ { nonce, dataset: { entry } }) => {
  const folded = Uint8Array.from(atob(document.getElementById("modules")?.textContent ?? ""), (character) => character.charCodeAt(0));
  const text = new Blob([folded]).stream().pipeThrough(new DecompressionStream("gzip"));
  const modules = Object.entries(await new Response(text).json());
  const imports = Object.fromEntries(modules.map(([path, code]) => [path, `data:text/javascript;charset=utf-8,${encodeURIComponent(code)}`]));
  const trusted = /** @type {any} */ (window).trustedTypes?.createPolicy("modules", { createScript: (/** @type {string} */ code) => code });
  const add = (/** @type {string} */ type, /** @type {string} */ code) => {
    const script = Object.assign(document.createElement("script"), { type, nonce });
    script.textContent = trusted ? trusted.createScript(code) : code;
    document.head.append(script);
  };
  add("importmap", JSON.stringify({ imports }));
  add("module", `import ${JSON.stringify(entry)};`);
})(document.currentScript);
