import { describe, expect, it } from "vitest";
import { imageConfig, type ImageFacts, imageIndex, imageManifest, type LayerFacts } from "../../.dagger/src/lib/oci.ts";

const LAYER: LayerFacts = { digest: `sha256:${"1".repeat(64)}`, size: 7, diffId: `sha256:${"2".repeat(64)}`, title: "root" };
const IMAGE: ImageFacts = {
  name: "backend", version: "2026.11.22-ab12cd3", sourceRevision: "a".repeat(40), sourceTime: "2026-11-22T03:00:00+01:00",
  vendor: "team-platform", architecture: "amd64", port: 8000, env: { PATH: "/usr/bin" }, command: ["python3", "-m", "backend"],
};

describe("an image's documents", () => {
  const config = imageConfig(IMAGE, [LAYER]);
  const read = JSON.parse(config.text) as { created: string; config: Record<string, unknown>; history: unknown[]; rootfs: unknown };

  it("run as nobody in particular, with the source's facts in the environment", () => {
    expect(read.config).toMatchObject({
      User: "65532:65532", WorkingDir: "/app", Entrypoint: ["python3", "-m", "backend"],
      Env: ["PATH=/usr/bin", "PORT=8000", "VERSION=2026.11.22-ab12cd3", `SOURCE_REVISION=${"a".repeat(40)}`, "BUILD_TIME=2026-11-22T02:00:00Z"],
    });
    expect(read.config["Labels"]).toMatchObject({
      "org.opencontainers.image.revision": "a".repeat(40), "org.opencontainers.image.created": "2026-11-22T02:00:00Z",
    });
  });

  it("carry the source commit's time, never the clock's", () => {
    expect(read.created).toBe("2026-11-22T02:00:00Z");
    expect(read.history).toEqual([{ created: "2026-11-22T02:00:00Z", created_by: "root" }]);
  });

  it("are the same for the same moment, however it was written", () => {
    const other = imageConfig({ ...IMAGE, sourceTime: "2026-11-22T02:00:00.000Z" }, [LAYER]);
    expect(other).toEqual(config);
    expect(imageManifest(other, [LAYER])).toEqual(imageManifest(config, [LAYER]));
  });

  it("name each other by digest and size", () => {
    const manifest = imageManifest(config, [LAYER]);
    expect(JSON.parse(manifest.text)).toMatchObject({ config: { digest: config.digest, size: config.size }, layers: [{ digest: LAYER.digest, size: 7 }] });
    expect(JSON.parse(imageIndex(manifest, IMAGE).text)).toMatchObject({ manifests: [{ digest: manifest.digest, size: manifest.size }] });
  });
});
