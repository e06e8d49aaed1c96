/** Keeps the page fresh: asks for the status and shows it, as long as somebody looks. */

import type { Html } from "../shared/html.ts";
import { renderEnvironments, renderSource, renderSummary } from "../shared/render.ts";
import { parseStatus, unknownStatus, type PlatformStatus } from "../shared/status.ts";

const EVERY_MS = 10_000;
const LIMIT_MS = 15_000;

async function ask(): Promise<PlatformStatus> {
  try {
    const answer = await fetch("/api/status", { signal: AbortSignal.timeout(LIMIT_MS) });
    if (!answer.ok) return unknownStatus(`this page's server answered ${answer.status}`);
    return parseStatus(await answer.json());
  } catch {
    return unknownStatus("this page's server does not answer");
  }
}

/** Changes an element only when there is something new, so that nothing is read out twice. */
function show(id: string, content: Html): void {
  const element = document.getElementById(id);
  if (element === null || element.dataset.shown === content.text) return;
  element.dataset.shown = content.text;
  const open = [...element.querySelectorAll("details[open]")].map((one) => one.id);
  // Every value in it was escaped where the HTML was made.
  element.innerHTML = content.text;
  // What somebody unfolded stays so.
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}

async function refresh(): Promise<void> {
  if (document.visibilityState === "visible") {
    const status = await ask();
    show("summary", renderSummary(status));
    show("environments", renderEnvironments(status));
    show("source", renderSource(status));
  }
  setTimeout(() => void refresh(), EVERY_MS);
}

setTimeout(() => void refresh(), EVERY_MS);
