import { html, svg } from "lit";

const icon = (/** @type {unknown} */ path) =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">${path}</svg>`;

export const play = icon(svg`<path d="M4.5 2.8v10.4l8.6-5.2z" fill="currentColor"/>`);
export const stop = icon(svg`<rect x="3.5" y="3.5" width="9" height="9" rx="1.6" fill="currentColor"/>`);
export const step = icon(svg`<path d="M3 3v10l7-5z" fill="currentColor"/><path d="M12.2 3v10" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>`);
export const eye = icon(svg`<path d="M1.5 8S4 3.6 8 3.6 14.5 8 14.5 8 12 12.4 8 12.4 1.5 8 1.5 8z" fill="none" stroke="currentColor" stroke-width="1.4"/><circle cx="8" cy="8" r="2" fill="currentColor"/>`);
export const previous = icon(svg`<path d="M10 3 5 8l5 5" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`);
export const next = icon(svg`<path d="m6 3 5 5-5 5" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`);
export const close = icon(svg`<path d="m4 4 8 8m0-8-8 8" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`);
export const dice = icon(svg`<rect x="2.2" y="2.2" width="11.6" height="11.6" rx="2.6" fill="none" stroke="currentColor" stroke-width="1.4"/><circle cx="5.6" cy="5.6" r="1.1" fill="currentColor"/><circle cx="10.4" cy="10.4" r="1.1" fill="currentColor"/><circle cx="8" cy="8" r="1.1" fill="currentColor"/>`);
export const sun = icon(svg`<circle cx="8" cy="8" r="3" fill="currentColor"/><path d="M8 1.2v1.8M8 13v1.8M1.2 8H3M13 8h1.8M3.2 3.2l1.3 1.3M11.5 11.5l1.3 1.3M3.2 12.8l1.3-1.3M11.5 4.5l1.3-1.3" stroke="currentColor" stroke-width="1.4" stroke-linecap="round"/>`);
export const moon = icon(svg`<path d="M13 9.6A5.6 5.6 0 0 1 6.4 3a5.4 5.4 0 1 0 6.6 6.6z" fill="currentColor"/>`);
export const contrast = icon(svg`<circle cx="8" cy="8" r="5.6" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M8 2.4a5.6 5.6 0 0 1 0 11.2z" fill="currentColor"/>`);
export const plus = icon(svg`<path d="M8 3.4v9.2M3.4 8h9.2" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`);
export const barred = icon(svg`<circle cx="8" cy="8" r="5.4" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="m4.2 4.2 7.6 7.6" stroke="currentColor" stroke-width="1.5"/>`);
export const check = icon(svg`<path d="m3.2 8.4 3.2 3.2 6.4-7" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`);
export const undo = icon(svg`<path d="M6.2 3.2 3 6.4l3.2 3.2M3.4 6.4h5.8a3.6 3.6 0 0 1 0 7.2H6.4" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`);
export const redo = icon(svg`<path d="M9.8 3.2 13 6.4 9.8 9.6M12.6 6.4H6.8a3.6 3.6 0 0 0 0 7.2h2.8" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`);
export const locked = icon(svg`<rect x="3.4" y="7" width="9.2" height="6.4" rx="1.4" fill="currentColor"/><path d="M5.2 7V5.2a2.8 2.8 0 0 1 5.6 0V7" fill="none" stroke="currentColor" stroke-width="1.5"/>`);
export const unlocked = icon(svg`<rect x="3.4" y="7" width="9.2" height="6.4" rx="1.4" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M5.2 7V5.2a2.8 2.8 0 0 1 5.2-1.4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>`);
export const maskBrush = icon(svg`<path d="M13.4 2.2 7.6 8l1.6 1.6 5-5.6a1.2 1.2 0 0 0-.8-1.8zM7 8.7c-1.7 0-2.5 1-2.6 2.3 0 .9-.6 1.5-1.6 1.7 2.4 1.1 5.6.5 5.8-2.4z" fill="currentColor"/><path d="M2 6V2.4h3.6" fill="none" stroke="currentColor" stroke-width="1.3" stroke-dasharray="1.6 1.2"/>`);
export const lockBrush = icon(svg`<path d="M13.4 2.2 7.6 8l1.6 1.6 5-5.6a1.2 1.2 0 0 0-.8-1.8zM7 8.7c-1.7 0-2.5 1-2.6 2.3 0 .9-.6 1.5-1.6 1.7 2.4 1.1 5.6.5 5.8-2.4z" fill="currentColor"/><rect x="1.4" y="3.6" width="5" height="3.6" rx=".8" fill="currentColor"/><path d="M2.5 3.6V2.8a1.4 1.4 0 0 1 2.8 0v.8" fill="none" stroke="currentColor" stroke-width="1.1"/>`);
export const pencil = icon(svg`<path d="m3.2 12.8.7-2.9 6.6-6.6a1.4 1.4 0 0 1 2 0l.2.2a1.4 1.4 0 0 1 0 2l-6.6 6.6z" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round"/>`);
export const branch = icon(svg`<circle cx="4.2" cy="3.6" r="1.7" fill="none" stroke="currentColor" stroke-width="1.4"/><circle cx="4.2" cy="12.4" r="1.7" fill="none" stroke="currentColor" stroke-width="1.4"/><circle cx="11.8" cy="6" r="1.7" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M4.2 5.4v5.2M4.3 10.4c.6-2.6 3.4-1.6 5.8-3.4" fill="none" stroke="currentColor" stroke-width="1.4"/>`);
export const takeaway = icon(svg`<path d="M8 2v7.6M4.8 6.6 8 9.8l3.2-3.2M2.8 11v2.2h10.4V11" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`);
export const alert = icon(svg`<path d="M8 2 1.6 13.4h12.8z" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round"/><path d="M8 6.4v3.2M8 11.4v.4" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>`);
export const pause = icon(svg`<path d="M5 3.4v9.2M11 3.4v9.2" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>`);
export const power = icon(svg`<path d="M8 1.8v5.4M4.9 3.9a5.2 5.2 0 1 0 6.2 0" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`);
export const powerOff = icon(svg`<path d="M8 1.8v5.4M4.9 3.9a5.2 5.2 0 1 0 6.2 0" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/><path d="m2 14 12-12" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>`);
export const replay = icon(svg`<path d="M5 3.2v9.6L12.6 8z" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>`);
export const first = icon(svg`<path d="M4 3.4v9.2M12 3.4 6.8 8l5.2 4.6z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`);
export const last = icon(svg`<path d="M12 3.4v9.2M4 3.4 9.2 8 4 12.6z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`);
export const compare = icon(svg`<rect x="2" y="3" width="5" height="10" rx="1.2" fill="none" stroke="currentColor" stroke-width="1.4"/><rect x="9" y="3" width="5" height="10" rx="1.2" fill="none" stroke="currentColor" stroke-width="1.4"/>`);
export const larger = icon(svg`<path d="M9.4 3H13v3.6M6.6 13H3V9.4M13 3 9 7M3 13l4-4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`);
export const smaller = icon(svg`<path d="M9 3.4V7h3.6M7 12.6V9H3.4M9 7l4-4M7 9l-4 4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`);
export const gauge = icon(svg`<path d="M2.4 11.6a5.8 5.8 0 1 1 11.2 0M8 10.4l2.8-4.2" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/><circle cx="8" cy="10.6" r="1.3" fill="currentColor"/>`);
export const swap = icon(svg`<path d="M2.6 5.4h9.6M9.4 2.6l2.8 2.8-2.8 2.8M13.4 10.6H3.8M6.6 7.8l-2.8 2.8 2.8 2.8" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round"/>`);
export const earlier = icon(svg`<path d="M2.6 8a5.4 5.4 0 1 0 1.8-4L2.6 5.6M2.6 2.6v3h3M8 5v3.2l2.2 1.4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`);
export const bin = icon(svg`<path d="M3 4.4h10M6.2 4.4V2.8h3.6v1.6M4.4 4.4l.6 8.8h6l.6-8.8" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round"/>`);
export const brand = html`<svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
  <rect class="solid" x="3" y="4" width="15" height="10" rx="3" />
  <rect class="open" x="22" y="5" width="7" height="8" rx="2.4" />
  <rect class="open" x="4" y="19" width="7" height="8" rx="2.4" />
  <rect class="solid" x="14" y="18" width="15" height="10" rx="3" />
</svg>`;
