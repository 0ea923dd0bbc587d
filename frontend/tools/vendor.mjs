// Copies the files the page needs out of the npm tarballs of its libraries.
//
//   node tools/vendor.mjs           fetch the pinned versions and copy
//   node tools/vendor.mjs --check   compare vendor/ with vendor.json, offline
//
// The page needs no bundler, so only the modules reachable from the entries
// below are taken, as published. vendor.json records where each came from and
// the hash of every file.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const VENDOR = join(dirname(fileURLToPath(import.meta.url)), "..", "vendor");
const MANIFEST = join(VENDOR, "vendor.json");

const PACKAGES = [
  { name: "lit", version: "3.3.3", entries: ["index.js", "directive.js", "directives/guard.js", "directives/live.js", "directives/repeat.js"] },
  { name: "lit-element", version: "4.2.2", entries: ["lit-element.js"] },
  {
    name: "lit-html",
    version: "3.3.3",
    entries: ["lit-html.js", "is-server.js", "directive.js", "directives/guard.js", "directives/live.js", "directives/repeat.js"],
  },
  { name: "@lit/reactive-element", version: "2.1.2", entries: ["reactive-element.js"] },
  { name: "gifenc", version: "1.0.3", root: "dist", entries: ["gifenc.esm.js"] },
  {
    name: "@bufbuild/protobuf",
    version: "2.17.0",
    root: "dist/esm",
    entries: [
      "create.js",
      "to-binary.js",
      "from-binary.js",
      "codegenv2/file.js",
      "codegenv2/message.js",
      "codegenv2/enum.js",
      "codegenv2/service.js",
      "wkt/google/protobuf/any_pb.js",
      "wkt/google/protobuf/duration_pb.js",
      "wkt/google/protobuf/struct_pb.js",
      "wkt/google/protobuf/timestamp_pb.js",
    ],
  },
];

const digest = (algorithm, bytes) => `${algorithm}-${createHash(algorithm).update(bytes).digest("base64")}`;

/** The entries and every module they reach by relative imports. */
function reachable(root, entries) {
  const found = new Set();
  const visit = (file) => {
    if (found.has(file)) return;
    found.add(file);
    const text = readFileSync(join(root, file), "utf8");
    for (const [, target] of text.matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g)) {
      visit(normalize(join(dirname(file), target)));
    }
  };
  entries.forEach((entry) => visit(normalize(entry)));
  return [...found].sort();
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

function copyAll() {
  const scratch = mkdtempSync(join(tmpdir(), "vendor-"));
  const known = existsSync(MANIFEST) ? JSON.parse(readFileSync(MANIFEST, "utf8")).packages : [];
  const packages = PACKAGES.map(({ name, version, root = "", entries }) => {
    const tarball = execFileSync("npm", ["pack", "--silent", `${name}@${version}`], { cwd: scratch, encoding: "utf8" }).trim();
    const bytes = readFileSync(join(scratch, tarball));
    const integrity = digest("sha512", bytes);
    const before = known.find((p) => p.name === name && p.version === version);
    if (before && before.integrity !== integrity) throw new Error(`${name}@${version} is not what was vendored before`);
    const unpacked = mkdtempSync(join(scratch, "package-"));
    execFileSync("tar", ["xzf", join(scratch, tarball), "-C", unpacked, "--strip-components=1"]);
    const target = join(VENDOR, `${name}@${version}`);
    // Not every tarball carries its licence; such a file is put there by hand.
    const keptLicence = existsSync(join(target, "LICENSE")) ? readFileSync(join(target, "LICENSE")) : null;
    rmSync(target, { recursive: true, force: true });
    for (const file of reachable(join(unpacked, root), entries)) {
      mkdirSync(dirname(join(target, file)), { recursive: true });
      cpSync(join(unpacked, root, file), join(target, file));
    }
    const licence = ["LICENSE", "LICENSE.md"].map((name) => join(unpacked, name)).find((path) => existsSync(path));
    if (licence) cpSync(licence, join(target, "LICENSE"));
    else if (keptLicence) writeFileSync(join(target, "LICENSE"), keptLicence);
    else console.warn(`${name}: no LICENSE in the tarball; add ${relative(process.cwd(), target)}/LICENSE and run this again`);
    const { license } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
    const files = Object.fromEntries(
      filesBelow(target).sort().map((file) => [relative(target, file), digest("sha256", readFileSync(file))]),
    );
    return { name, version, licence: license, integrity, files };
  });
  writeFileSync(MANIFEST, `${JSON.stringify({ packages }, null, 2)}\n`);
  rmSync(scratch, { recursive: true, force: true });
}

function check() {
  const faults = [];
  const { packages } = JSON.parse(readFileSync(MANIFEST, "utf8"));
  const expected = new Set([MANIFEST]);
  for (const { name, version, files } of packages) {
    for (const [file, hash] of Object.entries(files)) {
      const path = join(VENDOR, `${name}@${version}`, file);
      expected.add(path);
      if (!existsSync(path)) faults.push(`missing: ${path}`);
      else if (digest("sha256", readFileSync(path)) !== hash) faults.push(`changed: ${path}`);
    }
  }
  for (const path of filesBelow(VENDOR)) if (!expected.has(path)) faults.push(`not in vendor.json: ${path}`);
  faults.forEach((fault) => console.error(fault));
  process.exitCode = faults.length ? 1 : 0;
}

if (process.argv.includes("--check")) check();
else copyAll();
