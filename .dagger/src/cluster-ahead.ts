import { type ClusterNeeds, type IntegrationCluster, integrationCluster } from "./integrate-cluster.ts";
import type { Lanes } from "./lib/lanes.ts";
import type { Workshop } from "./settings.ts";
import { signatureVerifier } from "./signature-policy.ts";

/** A proof's cluster and what it is made from. */
export type ProofCluster = ClusterNeeds & IntegrationCluster;

/** The cluster of one run's proof: started while the images are still being made, and surely ended. */
export class ClusterAhead {
  private readonly make: () => Promise<ProofCluster>;
  private readonly lanes: Lanes;
  private timer: NodeJS.Timeout | undefined;
  private made: Promise<ProofCluster> | undefined;
  private started: Promise<ProofCluster | undefined> | undefined;

  /**
   * @param afterMs when to start it; undefined for never
   * @param lanes where services wait for their turn it would only take the machine from them
   * @param verifies whether it asks for signatures
   */
  constructor(workshop: Workshop, env: string, afterMs: number | undefined, lanes: Lanes, verifies: boolean) {
    this.lanes = lanes;
    this.make = async () => {
      const needs = await needsOf(workshop, env, verifies);
      return { ...needs, ...(await integrationCluster(needs)) };
    };
    // After this turn at the earliest, when the services have taken their places.
    if (afterMs !== undefined) this.beginAfter(afterMs);
  }

  /** The same cluster each time, running or not. */
  async get(): Promise<ProofCluster> {
    this.made ??= this.make().catch((error: unknown) => {
      // What failed ahead of its time is tried again by whoever needs it.
      this.made = undefined;
      throw error;
    });
    return await this.made;
  }

  /** From here on whoever needs the cluster starts it. */
  hold(): void {
    clearTimeout(this.timer);
  }

  /** Ends what was started, used or not. */
  async end(): Promise<void> {
    this.hold();
    const one = await this.started;
    await one?.cluster.service.stop({ kill: true }).catch(() => undefined);
  }

  private beginAfter(milliseconds: number): void {
    this.timer = setTimeout(() => {
      if (this.lanes.waiting > 0) this.beginAfter(LOOK_AGAIN_MS);
      else this.begin();
    }, milliseconds);
  }

  private begin(): void {
    // A cluster that does not start says why to the stage that needs it.
    const start = async (): Promise<ProofCluster> => {
      const one = await this.get();
      // The engine takes one that ended by itself for running until it is stopped; then whoever needs it starts it anew.
      await one.cluster.service.start().catch(async () => await one.cluster.service.stop({ kill: true }).catch(() => undefined));
      return one;
    };
    this.started = start().catch(() => undefined);
  }
}

const LOOK_AGAIN_MS = 250;

async function needsOf(workshop: Workshop, env: string, verifies: boolean): Promise<ClusterNeeds> {
  const [registry, { tools }] = await Promise.all([workshop.registry(), workshop.tools()]);
  const { images } = workshop.context;
  const verifier = verifies ? { verifier: await signatureVerifier(workshop.context, registry) } : {};
  return { env, images, node: tools, ...verifier, ...(registry.service ? { registry: registry.service } : {}) };
}
