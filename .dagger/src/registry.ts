import { CacheSharingMode, type Container, dag, type Secret, type Service } from "@dagger.io/dagger";
import { UserError } from "./lib/errors.ts";
import type { BuiltImage } from "./image.ts";
import { STABLE_REGISTRY } from "./lib/shared-files.ts";
import { type Context, run } from "./mirrors.ts";
import { debian, debianTools, goTool } from "./toolbox.ts";

/** Name and port under which execs reach the pipeline's own registry. */
export const REGISTRY_ALIAS = "registry";
export const REGISTRY_PORT = 5000;

/** The registry role: the pipeline's own, or one that the user names. */
export interface Registry {
  /** Bound to an exec as `registry`; absent for a registry of the user's. */
  service?: Service;
  /** Where images are pushed to. */
  pushTo: string;
  /** The same place as manifests name it. */
  name: string;
  /** `config.json` with credentials for a registry of the user's. */
  auth?: Secret;
}

/**
 * A registry under the engine's state: blobs, manifests and referrers on disk,
 * so that it may stop between two stages. Its definition does not change, which
 * keeps execs bound to it cacheable.
 */
export async function ownRegistry(context: Context): Promise<Registry> {
  const olareg = await goTool(context, "github.com/olareg/olareg/cmd/olareg");
  const service = debian(context)
    .withFile("/usr/local/bin/olareg", olareg, { permissions: 0o755 })
    .withMountedCache("/data", dag.cacheVolume("golden-path-registry"), { sharing: CacheSharingMode.Shared })
    .withExposedPort(REGISTRY_PORT)
    // What is only named by digest must stay: garbage collection is off.
    .asService({ args: ["olareg", "serve", "--dir", "/data", "--port", String(REGISTRY_PORT), "--gc-frequency", "-1s"] });
  return { service, pushTo: `${REGISTRY_ALIAS}:${REGISTRY_PORT}`, name: STABLE_REGISTRY };
}

/** A registry that the user names, as in `ghcr.io/team`. */
export function namedRegistry(address: string, auth?: Secret): Registry {
  const clean = address.replace(/\/+$/, "");
  if (clean === "" || /\s|:\/\/|@/.test(clean)) {
    throw new UserError(`--registry: "${address}" is no registry; write host[:port]/path, as in ghcr.io/team`);
  }
  return { pushTo: clean, name: clean, ...(auth === undefined ? {} : { auth }) };
}

/** Makes a registry reachable from an exec. */
export function withRegistry(container: Container, registry: Registry): Container {
  return registry.service === undefined ? container : container.withServiceBinding(REGISTRY_ALIAS, registry.service);
}

const AUTH = "/run/registry-auth.json";

/**
 * Pushes an image as it is and returns `<name>@<digest>`. `nonce` makes it run
 * every time: whether the registry still has the image is not ours to cache.
 * Blobs that are there already are not sent again.
 */
export async function publishImage(
  context: Context, registry: Registry, image: BuiltImage, name: string, version: string, nonce: string,
): Promise<string> {
  let tools = withRegistry(await debianTools(context, ["skopeo"]), registry)
    .withMountedFile("/run/image.tar", image.archive)
    .withEnvVariable("ATTEMPT", nonce);
  if (registry.auth !== undefined) tools = tools.withMountedSecret(AUTH, registry.auth);
  const pushed = await run(tools, "push-image", [
    "/run/image.tar",
    `${registry.pushTo}/${name}`,
    version,
    image.digest,
    registry.service === undefined ? "https" : "http",
    registry.auth === undefined ? "" : AUTH,
  ]);
  await pushed.sync();
  return `${registry.name}/${name}@${image.digest}`;
}

/** What a registry says of an image: nothing but `there` lets a release go where it is not yet. */
export type Presence = { state: "there" } | { state: "gone" } | { state: "unknown"; said: string };

/** Whether the registry still has an image, with a tag whether it has it under that; asked anew each time. */
export async function findImage(context: Context, registry: Registry, image: string, nonce: string, tag = ""): Promise<Presence> {
  const [name, digest] = image.split("@") as [string, string];
  const own = name.startsWith(`${registry.name}/`);
  const repository = own ? `${registry.pushTo}${name.slice(registry.name.length)}` : name;
  let tools = withRegistry(await debianTools(context, ["skopeo"]), registry).withEnvVariable("ATTEMPT", nonce);
  if (registry.auth !== undefined) tools = tools.withMountedSecret(AUTH, registry.auth);
  const http = own && registry.service !== undefined;
  const asked = await run(tools, "find-image", [repository, digest, http ? "http" : "https", registry.auth === undefined ? "" : AUTH, tag]);
  const [state, ...said] = (await asked.stdout()).trim().split(" ");
  return state === "there" || state === "gone" ? { state } : { state: "unknown", said: said.join(" ") };
}
