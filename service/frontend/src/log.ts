/** Structured logs: one JSON object a line, on standard output. */

export type Level = "info" | "warning" | "error";
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Writes a line to standard output, which Linux makes synchronous for pipes and files. */
export const log: Log = (level, message, fields = {}) => {
  const line = { time: new Date().toISOString(), level, message, ...fields };
  process.stdout.write(JSON.stringify(line) + "\n");
};
