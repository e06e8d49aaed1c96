/** Ends a server gracefully: unready first, then closed, then gone; all within limits. */

import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export class Lifecycle {
  #stopping = false;

  /** True from the moment the process was told to stop. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * Says "not ready", goes on serving for the drain delay so that the cluster can take
   * the pod out of its endpoints, then lets what is under way end, and at the limit cuts it.
   */
  async stop(server: Server, drainDelayMs: number, limitMs: number): Promise<void> {
    this.#stopping = true;
    await sleep(drainDelayMs);
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    const limit = setTimeout(() => {
      server.closeAllConnections();
    }, limitMs);
    await closed;
    clearTimeout(limit);
  }
}
