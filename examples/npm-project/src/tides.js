export const TIDE = (12 * 60 + 25) * 60 * 1000;

/** The times of the next `count` high tides after `start`, `step` apart; all in milliseconds, `start` since 1970. */
export function highTides(start, count, step = TIDE) {
  if (!Number.isFinite(start) || !Number.isInteger(count) || count < 0) {
    throw new TypeError("highTides needs a time and a count");
  }
  return Array.from({ length: count }, (_, index) => start + (index + 1) * step);
}
