import type { Daemon } from "../engine/daemon.ts"

/** The detached process that holds the platform. */
export const HOLDER: Daemon = { name: "platform", match: "ci/platform/holder.ts" }

/** Where the process id of its Dagger client is kept, and a word of that one's command line. */
export const CLIENT_PID = "platform-client.pid"
export const CLIENT_MATCH = "local-platform"
