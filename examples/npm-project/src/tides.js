import isNumber from "is-number";
import ms from "ms";

/** The times of the next `count` high tides after `start` (milliseconds since 1970), which come every twelve hours and twenty-five minutes. */
export function highTides(start, count) {
  if (!isNumber(start) || !Number.isInteger(count) || count < 0) {
    throw new TypeError("highTides needs a time and a count");
  }
  const step = ms("12h") + ms("25m");
  return Array.from({ length: count }, (_, index) => Number(start) + (index + 1) * step);
}
