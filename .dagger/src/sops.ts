import { type Container, dag, type Directory, type File } from "@dagger.io/dagger";
import type { Context } from "./mirrors.ts";
import { goToolOf } from "./toolbox.ts";

/** The pinned sops. Compiles it when it is asked for the first time. */
async function sopsTool(context: Context): Promise<File> {
  return await goToolOf(context, "sops", "github.com/getsops/sops/v3/cmd/sops");
}

/** What a person needs to encrypt secrets: sops, and age-keygen to make keys with. */
export async function sopsTools(context: Context): Promise<Directory> {
  const sops = await sopsTool(context);
  const keygen = await goToolOf(context, "sops", "filippo.io/age/cmd/age-keygen");
  return dag.directory().withFile("sops", sops, { permissions: 0o755 }).withFile("age-keygen", keygen, { permissions: 0o755 });
}

/** Argo CD's image with sops in it: what decrypts beside the repo-server. */
export async function decrypter(context: Context): Promise<Container> {
  return dag.container().from(context.images.argocd).withFile("/usr/local/bin/sops", await sopsTool(context), { permissions: 0o755 });
}
