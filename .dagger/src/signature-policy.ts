import { type Container, dag } from "@dagger.io/dagger";
import { ENVIRONMENTS } from "./lib/environments.ts";
import { SIGNATURE_FILE, signatureInstall } from "./lib/signature-policy.ts";
import type { Context } from "./mirrors.ts";
import type { Registry } from "./registry.ts";
import { debian, goToolOf } from "./toolbox.ts";

/** The image by its name in the cluster. */
export const SIGNATURE_IMAGE = "signature-policy";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** What verifies signatures at a cluster's door: its image, and the list of objects that an installation gets. */
export interface Verifier {
  image: Container;
  file: string;
  list: string;
}

/** Compiles it when it is asked for the first time. */
export async function signatureVerifier(context: Context, registry: Registry): Promise<Verifier> {
  const program = await goToolOf(context, "signature-policy", ".");
  const image = dag
    .container()
    .withFile("/signature-policy", program, { permissions: 0o755 })
    .withFile(CERTIFICATES, debian(context).file(CERTIFICATES))
    .withUser("65532:65532")
    .withEntrypoint(["/signature-policy"]);
  // The pipeline's own registry speaks plain http.
  const plain = registry.service === undefined ? {} : { plainRegistry: { name: registry.name, address: registry.pushTo } };
  const items = signatureInstall({ image: `images.golden-path.internal/${SIGNATURE_IMAGE}:imported`, environments: ENVIRONMENTS, ...plain });
  return { image, file: SIGNATURE_FILE, list: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
}
