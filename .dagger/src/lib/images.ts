import { UserError, listOf } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/**
 * The only images that are fetched from a registry rather than built here, so
 * the only ones that differ between networks. `--images name=reference`
 * replaces one of them; the embedded engine supplies its own.
 */
export const DEFAULT_IMAGES = {
  /** Debian trixie with ca-certificates, which the plain image lacks: where toolboxes start. */
  debian: "docker.io/library/buildpack-deps:trixie-curl",
  /** Kubernetes in one container. */
  cluster: "docker.io/rancher/k3s:v1.34.1-k3s1",
  /** The same version as the manifests that are applied. */
  argocd: "quay.io/argoproj/argocd:v3.2.11",
  /** Argo CD's cache, as its manifests of that version name it. */
  redis: "public.ecr.aws/docker/library/redis:8.2.2-alpine",
} as const satisfies Record<string, string>;

export type ImageName = keyof typeof DEFAULT_IMAGES;

export const IMAGE_NAMES = Object.keys(DEFAULT_IMAGES) as ImageName[];

/** Lays `name=reference` overrides over the defaults. */
export function parseImages(overrides: readonly string[]): Record<ImageName, string> {
  const images: Record<ImageName, string> = { ...DEFAULT_IMAGES };
  const seen = new Set<ImageName>();
  for (const override of overrides) {
    const equals = override.indexOf("=");
    const name = equals < 0 ? override : override.slice(0, equals);
    const reference = equals < 0 ? "" : override.slice(equals + 1);
    if (!isImageName(name)) {
      throw new UserError(
        `--images: unknown image "${name}"${didYouMean(name, IMAGE_NAMES)}; use ${listOf(IMAGE_NAMES, "or")}, as in debian=registry.example/debian:trixie`,
      );
    }
    if (reference === "" || /\s/.test(reference)) {
      throw new UserError(
        `--images: "${override}" names no image reference; write ${name}=<reference>, as in ${name}=${DEFAULT_IMAGES[name]}`,
      );
    }
    if (seen.has(name)) {
      throw new UserError(`--images: ${name} is given twice; give it once`);
    }
    seen.add(name);
    images[name] = reference;
  }
  return images;
}

function isImageName(name: string): name is ImageName {
  return (IMAGE_NAMES as string[]).includes(name);
}
