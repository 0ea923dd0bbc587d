// The canvas as squares, all of the same size, as large as lets all be seen at once.

/**
 * @param {{ count: number, width: number, height: number, least?: number, most?: number }} room
 *   least, most: a square's size. Where not all have room, the least is kept and the page scrolls
 * @returns {{ size: number, columns: number }}
 */
export function squaresIn({ count, width, height, least = 14, most = 32 }) {
  let size = most;
  const across = () => Math.max(1, Math.floor(width / size));
  while (size > least && Math.ceil(count / across()) * size > height) size--;
  return { size, columns: Math.min(across(), Math.max(1, count)) };
}

/**
 * Where a key goes from a position.
 * @param {string} key
 * @param {{ position: number, columns: number, count: number, whole: boolean }} place  whole: Home and End mean the grid, not the row
 * @returns {number | null}  null: it is no key of the grid
 */
export function towards(key, { position, columns, count, whole }) {
  const row = position - (position % columns);
  const last = count - 1;
  const inside = (/** @type {number} */ to) => (to < 0 || to > last ? position : to);
  switch (key) {
    case "ArrowRight": return Math.min(position + 1, last);
    case "ArrowLeft": return Math.max(position - 1, 0);
    case "ArrowDown": return inside(position + columns);
    case "ArrowUp": return inside(position - columns);
    case "Home": return whole ? 0 : row;
    case "End": return whole ? last : Math.min(row + columns - 1, last);
    default: return null;
  }
}
