/** Everything that the environment may set, read once and checked at the start. */

export interface BuildInfo {
  readonly name: string;
  readonly version: string;
  readonly sourceRevision: string;
  readonly buildTime: string;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly backendUrl: URL | undefined;
  readonly backendTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly shutdownTimeoutMs: number;
  readonly build: BuildInfo;
}

/** Reads the settings; an empty value counts as not set. Throws with a sentence for a person. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return {
    host: text(env.HOST, "0.0.0.0"),
    port: number(env, "PORT", 8080, 1, 65535),
    backendUrl: backendUrl(env.BACKEND_URL),
    // Longer than the backend's own limit, so that its reason arrives here.
    backendTimeoutMs: number(env, "BACKEND_TIMEOUT_SECONDS", 6, 0.1, 60) * 1000,
    drainDelayMs: number(env, "DRAIN_DELAY_SECONDS", 2, 0, 60) * 1000,
    shutdownTimeoutMs: number(env, "SHUTDOWN_TIMEOUT_SECONDS", 10, 0.1, 300) * 1000,
    build: {
      name: "frontend",
      version: text(env.VERSION, "unknown"),
      sourceRevision: text(env.SOURCE_REVISION, "unknown"),
      buildTime: text(env.BUILD_TIME, "unknown"),
    },
  };
}

function text(value: string | undefined, fallback: string): string {
  return value === undefined || value === "" ? fallback : value;
}

function number(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const found = text(env[name], String(fallback));
  const value = Number(found);
  if (!(value >= least && value <= most)) {
    throw new Error(
      `reading the environment: ${name} is '${found}'; use a number from ${least} to ${most}`,
    );
  }
  return value;
}

function backendUrl(value: string | undefined): URL | undefined {
  if (value === undefined || value === "") return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.username !== "") {
    throw new Error(
      "reading the environment: BACKEND_URL is not usable; use http://host:port without a user name",
    );
  }
  return url;
}
