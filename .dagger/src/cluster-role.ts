import { CacheSharingMode, dag } from "@dagger.io/dagger";
import type { Container, Directory, File, Service } from "@dagger.io/dagger";
import { createHash } from "node:crypto";
import type { ImageName } from "./lib/images.ts";

/**
 * The cluster role: "give me a kubeconfig and a Service". Whoever binds the service under the
 * alias `cluster` can use the kubeconfig; nobody else needs to know what plays the role.
 */
export interface Cluster {
  /** Bind as `cluster`; the API is on port 6443. */
  service: Service;
  kubeconfig: File;
  /** kubectl of the cluster's own version. */
  kubectl: File;
}

/** References under which pods use Argo CD's images. */
export interface InClusterImages {
  argocd: string;
  redis: string;
}

export interface ClusterOptions {
  images: Record<ImageName, string>;
  /** Serves `registry.golden-path.internal`; left out when manifests name a registry of the user's. */
  registry?: Service;
  /** Lists of objects, applied in the order of their names; a cluster may begin with them. */
  install: Directory;
  /** Clusters of different keys share nothing but their image store. */
  key: string;
  /** A store of images of its own, for a cluster that holds it for long: others would find theirs empty. */
  store?: string;
  /** Further images for the embedded cluster, by the name under which pods have them: `images.golden-path.internal/<name>:imported`. */
  further?: Record<string, Container>;
}

export const CLUSTER_ALIAS = "cluster";
export const API_PORT = 6443;

/** Binds the pipeline's own registry, if it is the one that images are pulled from. */
export function withRegistry(container: Container, registry: Service | undefined): Container {
  return registry === undefined ? container : container.withServiceBinding("registry", registry);
}

/** What both players mount: state that must not lie on an overlay, and the store of images. */
export function withState(container: Container, image: string, store: string, own = ""): Container {
  // A store of another version may be laid out differently, so the image is part of the name.
  // PRIVATE: a second cluster at the same time gets a store of its own instead of waiting.
  const name = `golden-path-cluster-${createHash("sha256").update(image).digest("hex").slice(0, 12)}${own === "" ? "" : `-${own}`}`;
  return container
    .withMountedCache(store, dag.cacheVolume(name), { sharing: CacheSharingMode.Private })
    .withMountedTemp("/var/lib/kubelet")
    .withMountedTemp("/run")
    .withMountedTemp("/var/log");
}
