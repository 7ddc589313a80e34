// The periods that a dashboard shows.
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export const periods = ["hour", "today", "week", "month", "quarter", "custom"] as const;
export type Period = (typeof periods)[number];

export interface Span {
  key: string;
  bounds: () => { from: Date; to?: Date };
  /** Of the report by time, as ISO 8601. */
  interval: string;
}

const ago = (length: number) => () => ({ from: new Date(Date.now() - length) });

/** A day as an input field has it, at its beginning on this person's clock. */
const startOf = (text: string) => new Date(`${text}T00:00`);
export function dayText(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

function intervalFor(length: number): string {
  if (length <= 6 * hour) return "PT15M";
  if (length <= 3 * day) return "PT1H";
  if (length <= 14 * day) return "PT6H";
  return length <= 400 * day ? "P1D" : "P7D";
}

/** From the first day to the end of the last one; nothing when they are not two days in their order. */
function customSpan(first: string, last: string): Span | null {
  const from = startOf(first);
  const to = startOf(last);
  to.setDate(to.getDate() + 1);
  if (!(from < to) || from.getFullYear() < 1971) return null;
  return {
    key: `${first}/${last}`,
    bounds: () => ({ from, to }),
    interval: intervalFor(to.getTime() - from.getTime()),
  };
}

export function spanOf(period: Period, first: string, last: string): Span | null {
  switch (period) {
    case "hour":
      return { key: period, bounds: ago(hour), interval: "PT15M" };
    case "today":
      return { key: period, bounds: () => ({ from: startOf(dayText(new Date())) }), interval: "PT1H" };
    case "week":
      return { key: period, bounds: ago(7 * day), interval: "PT6H" };
    case "month":
      return { key: period, bounds: ago(30 * day), interval: "P1D" };
    case "quarter":
      return { key: period, bounds: ago(90 * day), interval: "P1D" };
    case "custom":
      return customSpan(first, last);
  }
}
