// Starts a page that was saved as one file: what it shows stands in the document.
import { readArchive } from "app/core/archive.js";
import { recordedPage } from "app/recorded-page.js";
import "app/ui/um-app.js";

try {
  const page = recordedPage(readArchive(document.getElementById("archive")?.textContent ?? ""));
  document.body.append(Object.assign(document.createElement("um-app"), { page }));
} catch (error) {
  const words = document.createElement("p");
  words.className = "noscript";
  words.textContent = /** @type {Error} */ (error).message;
  document.body.append(words);
  console.error(error);
}
