/** Whether what had the focus is gone. */
export const focusIsLost = () => document.activeElement === null || document.activeElement === document.body;

/** The first of these that is there gets the focus. */
export function focusOn(/** @type {string[]} */ ...selectors) {
  for (const selector of selectors) {
    const found = /** @type {HTMLElement | null} */ (document.querySelector(selector));
    if (found) return found.focus();
  }
  return undefined;
}
