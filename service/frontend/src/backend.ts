/** Asks the backend for the platform's status. */

import { parseStatus, unknownStatus, type PlatformStatus } from "./shared/status.ts";

const LARGEST_ANSWER = 4 * 1024 * 1024;

/** Returns the status; never throws, and never takes longer than the timeout. */
export async function readStatus(backend: URL | undefined, timeoutMs: number): Promise<PlatformStatus> {
  if (backend === undefined) return unknownStatus("no backend is configured; set BACKEND_URL");
  const doing = `asking the backend at ${backend.origin}`;
  try {
    const answer = await fetch(new URL("/api/v1/status", backend), {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "error",
      headers: { accept: "application/json" },
    });
    if (!answer.ok) {
      await answer.body?.cancel();
      return unknownStatus(`${doing}: it answered ${answer.status}`);
    }
    return parseStatus(JSON.parse(await textOf(answer)));
  } catch (error) {
    return unknownStatus(`${doing}: ${plainly(error, timeoutMs)}`);
  }
}

async function textOf(answer: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  // Node's ReadableStream is iterable; the type that `fetch` declares does not say so.
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LARGEST_ANSWER) throw new Error("its answer is too large");
  }
  return text;
}

function plainly(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `it did not answer within ${timeoutMs / 1000} s`;
  if (error instanceof SyntaxError) return "its answer is not JSON";
  const cause: { code?: unknown; message?: unknown } = (error.cause ?? {});
  switch (cause.code) {
    case "ECONNREFUSED":
      return "the connection was refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name could not be resolved";
    default:
      return typeof cause.message === "string" && cause.message !== "" ? cause.message : error.message;
  }
}
