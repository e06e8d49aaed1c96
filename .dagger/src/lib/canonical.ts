import { createHash } from "node:crypto";

/** Names content: a digest of everything that was put in, in hexadecimal. Equal content has equal names, whatever the order of keys. */
export function contentId(parts: unknown, digits = 16): string {
  return createHash("sha256").update(canonical(parts)).digest("hex").slice(0, digits);
}

/** JSON with sorted keys, so that equal content is equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
