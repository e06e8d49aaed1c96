import type { Fields } from "./yaml-fields.ts";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** A time in which nothing is promoted: once, or every week. All times are UTC. */
export type Freeze =
  | { kind: "once"; from: number; to: number; reason: string }
  | { kind: "weekly"; days: number[]; fromMinute: number; toMinute: number; reason: string };

const DAY = 86_400_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/;

/** Reads one item of `freeze`. */
export function readFreeze(fields: Fields, field: string): Freeze | undefined {
  const keys = fields.keys(field);
  if (keys === undefined) return undefined;
  fields.onlyKnown(["days", "from", "to", "reason"], field);
  const text = (name: string): string | undefined => (fields.required(`${field}.${name}`, `${name}: …`) ? fields.text(`${field}.${name}`) : undefined);
  const [from, to, reason] = [text("from"), text("to"), text("reason")];
  if (from === undefined || to === undefined || reason === undefined) return undefined;
  if (!keys.includes("days")) {
    if (!TIME.test(from) || !TIME.test(to) || !(Date.parse(from) < Date.parse(to))) {
      return fields.problem(`${field}.from`, "use two UTC times, the earlier first, as in 2026-12-23T00:00:00Z; or name days for every week");
    }
    return { kind: "once", from: Date.parse(from), to: Date.parse(to), reason };
  }
  const named = fields.texts(`${field}.days`) ?? [];
  const days = named.map((day) => (DAYS as readonly string[]).indexOf(day));
  if (days.length === 0 || days.includes(-1)) return fields.problem(`${field}.days`, `use ${DAYS.join(", ")}`);
  const [fromMinute, toMinute] = [minuteOf(from), minuteOf(to)];
  if (fromMinute === undefined || toMinute === undefined || fromMinute >= toMinute) {
    return fields.problem(`${field}.from`, `use two times of one day in UTC, the earlier first, as in "15:00" and "24:00"`);
  }
  return { kind: "weekly", days, fromMinute, toMinute, reason };
}

/** When the window that is open now ends, or undefined where none is; a window ends just before `to`. */
export function frozen(freeze: Freeze, now: number): number | undefined {
  if (freeze.kind === "once") return now >= freeze.from && now < freeze.to ? freeze.to : undefined;
  const midnight = Math.floor(now / DAY) * DAY;
  const minute = (now - midnight) / 60_000;
  if (!freeze.days.includes(new Date(midnight).getUTCDay())) return undefined;
  return minute >= freeze.fromMinute && minute < freeze.toMinute ? midnight + freeze.toMinute * 60_000 : undefined;
}

function minuteOf(text: string): number | undefined {
  if (!CLOCK.test(text)) return undefined;
  const [hours, minutes] = text.split(":").map(Number);
  return hours! * 60 + minutes!;
}
