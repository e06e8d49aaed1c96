/** The few pieces of Markdown that the summaries are made of. */

/** A table with padded columns, so that it also reads well in a terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], rightAligned: readonly number[] = []): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, column) => (rightAligned.includes(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!))).join(" | ")} |`;
  const rule = widths.map((width, column) => (rightAligned.includes(column) ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** Text that fits into one cell: no line break, no column separator. */
export function cell(text: string): string {
  return text.replace(/\s+/g, " ").trim().replaceAll("|", "\\|");
}

export function code(text: string): string {
  return `\`${text}\``;
}

export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

/** `41.2 s`, `3 min 07 s`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
