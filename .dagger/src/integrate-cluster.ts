import { dag } from "@dagger.io/dagger";
import type { Container, Directory, Service } from "@dagger.io/dagger";
import { installManifest } from "./argocd-manifest.ts";
import { cluster, inClusterImages } from "./cluster.ts";
import type { Cluster } from "./cluster-role.ts";
import { fittedInstall } from "./integrate-program.ts";
import type { ImageName } from "./lib/images.ts";
import type { Verifier } from "./signature-policy.ts";
import { SIGNATURE_IMAGE } from "./signature-policy.ts";

/** What the ephemeral cluster depends on: nothing that a service is made of, so it can be started before there is an image. */
export interface ClusterNeeds {
  env: string;
  images: Record<ImageName, string>;
  /** Serves the images under test, the same service in every run; left out for a registry of the user's. */
  registry?: Service;
  /** Node 24 with the package `yaml` in /golden-path/node_modules. */
  node: Container;
  /** What verifies signatures at the cluster's door; left out where nothing demands them of this run. */
  verifier?: Verifier;
}

export interface IntegrationCluster {
  cluster: Cluster;
  /** What Argo CD is installed from; the cluster may begin with it. */
  install: Directory;
}

/** The cluster that `integrate` uses; asked twice in one session it is the same. */
export async function integrationCluster({ env, images, registry, node, verifier }: ClusterNeeds): Promise<IntegrationCluster> {
  const manifest = dag.directory().withFile("core-install.yaml", await installManifest(images.argocd));
  const fitted = await fittedInstall(node, manifest, inClusterImages(images));
  const install = verifier === undefined ? fitted : fitted.withNewFile(verifier.file, verifier.list);
  const further = verifier === undefined ? {} : { further: { [SIGNATURE_IMAGE]: verifier.image } };
  // The environment keeps two proofs of one session apart; sessions do not share services.
  return { cluster: cluster({ images, install, key: `integrate ${env}`, ...further, ...(registry === undefined ? {} : { registry }) }), install };
}
