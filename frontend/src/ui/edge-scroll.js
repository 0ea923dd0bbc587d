// A drag that comes near the upper or lower edge of what scrolls moves it along:
// slowly, faster the nearer it is, and for no longer than it is there.

/** Pixels from the edge. */
const NEAR = 40;
/** Pixels a second, at the edge itself. */
const FASTEST = 480;

export class EdgeScroll {
  #moved;
  #frame = 0;
  #y = 0;
  #from = 0;
  #then = 0;
  /** @type {Element | null} */
  #box = null;
  /** What is moved by less than a pixel is kept for the next time. */
  #rest = 0;

  /** @param {() => void} moved  called whenever it was: the pointer is over something else now */
  constructor(moved) {
    this.#moved = moved;
  }

  /** The pointer is here. @param {Element} surface  what is dragged over @param {number} y  in the window @param {number} from  where the drag began */
  at(surface, y, from) {
    this.#box ??= scrollerOf(surface);
    this.#y = y;
    this.#from = from;
    if (this.#frame || !this.#pull) return;
    this.#then = performance.now();
    this.#frame = requestAnimationFrame(this.#go);
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = this.#rest = 0;
    this.#box = null;
  }

  /** From -1 to 1, and 0 away from both edges. */
  get #pull() {
    const box = this.#box;
    if (!box) return 0;
    const whole = box === document.scrollingElement;
    const { top, bottom } = box.getBoundingClientRect();
    const [upper, lower] = whole ? [0, window.innerHeight] : [Math.max(0, top), Math.min(window.innerHeight, bottom)];
    // A drag that began near the edge pulls only where it comes nearer.
    const above = Math.min(upper + NEAR, this.#from) - this.#y;
    const below = this.#y - Math.max(lower - NEAR, this.#from);
    return above > 0 ? -Math.min(1, above / NEAR) : below > 0 ? Math.min(1, below / NEAR) : 0;
  }

  #go = (/** @type {number} */ now) => {
    this.#frame = 0;
    const box = this.#box;
    const pull = this.#pull;
    if (!box || !pull) return;
    // A tab that was away does not jump.
    this.#rest += (pull * FASTEST * Math.min(50, Math.max(0, now - this.#then))) / 1000;
    this.#then = now;
    const before = box.scrollTop;
    const by = Math.trunc(this.#rest);
    this.#rest -= by;
    box.scrollTop += by;
    if (box.scrollTop !== before) this.#moved();
    else if (by) return; // its end
    this.#frame = requestAnimationFrame(this.#go);
  };
}

/** The nearest thing around it that scrolls up and down. */
function scrollerOf(/** @type {Element} */ surface) {
  for (let at = surface.parentElement; at && at !== document.body; at = at.parentElement) {
    if (at.scrollHeight > at.clientHeight && /auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return document.scrollingElement;
}
